//! What quote-api does for a quote, meeting one failure. Spans are those of `#[instrument(err)]`, as in most programs.
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool, Row};
use std::str::FromStr;
use std::time::Duration;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tracing::instrument;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

pub async fn run(failure: String) -> Result<(), Failure> {
    match failure.as_str() {
        "ok" => {
            get("http://rates:8080/ok").await?;
            quote(pool(&url(), 2).await?, "insert into quotes (id, rate) values (2, 1.1) on conflict do nothing").await
        }
        "http-refused" => get("http://rates:8081/ok").await,
        "http-no-such-name" => get("http://rates.internal/ok").await,
        "http-timeout" => get("http://rates:8080/slow").await,
        "http-cut" => get("http://rates:8080/cut").await,
        "http-hang-up" => get("http://rates:8080/hang-up").await,
        "http-not-json" => get("http://rates:8080/html").await,
        "http-500" => get("http://rates:8080/500").await,
        "http-503" => get("http://rates:8080/503").await,
        "http-429" => get("http://rates:8080/429").await,
        "http-401" => get("http://rates:8080/401").await,
        "http-no-scheme" => get("rates/ok").await,
        "sql-refused" => quote(pool(&url().replace(":5432", ":5433"), 2).await?, "select 1").await,
        "sql-no-such-name" => quote(pool(&url().replace("pg-shop", "pg-quotes.internal"), 2).await?, "select 1").await,
        "sql-wrong-password" => {
            let options = PgConnectOptions::from_str(&url())?.username("quotes").password("guessed");
            quote(PgPoolOptions::new().connect_with(options).await?, "select 1").await
        }
        "sql-no-table" => quote(pool(&url(), 2).await?, "select rate from rates").await,
        "sql-duplicate" => quote(pool(&url(), 2).await?, "insert into quotes (id, rate) values (1, 2)").await,
        "sql-statement-timeout" => quote(pool(&url(), 1).await?, "select pg_sleep(2)").await,
        "sql-no-row" => {
            let found = pool(&url(), 2).await?;
            one_row(&found).await
        }
        "sql-pool" => pool_exhausted(pool(&url(), 1).await?).await,
        "grpc-refused" => check("http://rates:50052", "rates", None).await,
        "grpc-not-found" => check("http://rates:50051", "prices", None).await,
        "panic" => panics(&[1.1, 1.2]).await,
        "setting-missing" => setting().await,
        "disk-full" => write_report().await,
        other => panic!("There is no failure {other}."),
    }
}

#[instrument(name = "GET", err, fields(otel.kind = "client", http.request.method = "GET", url.full = url))]
async fn get(url: &str) -> Result<(), Failure> {
    let client = reqwest::Client::builder().timeout(Duration::from_millis(500)).build()?;
    let rate: serde_json::Value = client.get(url).send().await?.error_for_status()?.json().await?;
    assert!(rate.is_object());
    Ok(())
}

fn url() -> String {
    std::env::var("WORLD_POSTGRES_URL").expect("WORLD_POSTGRES_URL")
}

#[instrument(name = "connect", err, skip_all, fields(otel.kind = "client", db.system.name = "postgresql"))]
async fn pool(url: &str, size: u32) -> Result<PgPool, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(size).acquire_timeout(Duration::from_millis(700)).connect(url).await?;
    pool.execute("set statement_timeout = '600ms'").await?;
    Ok(pool)
}

#[instrument(name = "quotes.query", err, skip(pool), fields(otel.kind = "client", db.system.name = "postgresql", db.query.text = sql))]
async fn quote(pool: PgPool, sql: &'static str) -> Result<(), Failure> {
    pool.execute("create table if not exists quotes (id int primary key, rate real)").await?;
    pool.execute("insert into quotes values (1, 1) on conflict do nothing").await?;
    pool.execute(sql).await?;
    Ok(())
}

#[instrument(name = "quotes.one", err, skip(pool), fields(otel.kind = "client", db.system.name = "postgresql"))]
async fn one_row(pool: &PgPool) -> Result<(), Failure> {
    let row = sqlx::query("select 1 where false").fetch_one(pool).await?;
    drop(row.try_get::<i32, _>(0)?);
    Ok(())
}

#[instrument(name = "quotes.load", err, skip(pool), fields(otel.kind = "client", db.system.name = "postgresql"))]
async fn pool_exhausted(pool: PgPool) -> Result<(), Failure> {
    let held = pool.acquire().await?;
    let second = pool.acquire().await?;
    drop((held, second));
    Ok(())
}

#[instrument(name = "grpc.health.v1.Health/Check", err, fields(otel.kind = "client", rpc.system = "grpc", rpc.service = "grpc.health.v1.Health", rpc.method = "Check"))]
async fn check(to: &'static str, service: &str, timeout: Option<Duration>) -> Result<(), Failure> {
    let channel = tonic::transport::Endpoint::from_static(to).timeout(timeout.unwrap_or(Duration::from_secs(1))).connect_lazy();
    HealthClient::new(channel).check(HealthCheckRequest { service: service.to_owned() }).await?;
    Ok(())
}

#[instrument(name = "choose_rate", err, skip_all)]
async fn panics(rates: &[f64]) -> Result<(), Failure> {
    let chosen = std::env::args().count() + 5;
    tracing::info!(rate = rates[chosen], "chosen");
    Ok(())
}

#[instrument(name = "load_settings", err)]
async fn setting() -> Result<(), Failure> {
    let key = std::env::var("RATES_API_KEY").map_err(|missing| format!("RATES_API_KEY: {missing}"))?;
    drop(key);
    Ok(())
}

#[instrument(name = "write_report", err)]
async fn write_report() -> Result<(), Failure> {
    // A device that is always full.
    std::fs::write("/dev/full", "report")?;
    Ok(())
}

//! quote-api and what it calls, once for each failure: rust-clients <failure>
mod calls;
mod servers;
mod telemetry;

use opentelemetry::trace::Status;
use tracing::{Instrument, Span, error, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What axum's layers make of a request: a server span, and the error of its handler.
async fn request(failure: &str) {
    let span = info_span!(
        "POST /quotes",
        "otel.kind" = "server",
        "http.request.method" = "POST",
        "http.route" = "/quotes",
        "url.path" = "/quotes",
        "server.address" = "quote-api",
        "server.port" = 8080,
        "http.response.status_code" = tracing::field::Empty,
    );
    async {
        let outcome = tokio::spawn(calls::run(failure.to_owned()).instrument(Span::current())).await;
        let failed = match outcome {
            Ok(Ok(())) => false,
            Ok(Err(failure)) => {
                error!(error = &*failure as &(dyn std::error::Error + 'static), "the request failed");
                true
            }
            Err(panicked) => {
                error!(error = &panicked as &(dyn std::error::Error + 'static), "the handler panicked");
                true
            }
        };
        let here = Span::current();
        here.record("http.response.status_code", if failed { 500 } else { 200 });
        if failed {
            here.set_status(Status::error(""));
        }
    }
    .instrument(span)
    .await;
}

#[tokio::main]
async fn main() {
    let failure = std::env::args().nth(1).expect("the failure's id");
    let provider = tokio::task::spawn_blocking(telemetry::start).await.unwrap();
    servers::start(&failure).await;
    request(&failure).await;
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    tokio::task::spawn_blocking(move || drop(provider.shutdown())).await.unwrap();
    std::process::exit(0);
}

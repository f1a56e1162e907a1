// go-sql: order-svc takes an order and writes it by database/sql, traced by otelsql, to PostgreSQL or SQLite.
package main

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"beacon.test/world/telemetry"
	"github.com/XSAM/otelsql"
	_ "github.com/lib/pq"
	semconv "go.opentelemetry.io/otel/semconv/v1.30.0"
	_ "modernc.org/sqlite"
)

func main() { telemetry.Main(failures()) }

type sqlWork func(ctx context.Context, db *sql.DB) error

func failures() map[string]func(context.Context) {
	statement := func(change func(*url.URL), query string) func(context.Context) {
		return withSQL(change, func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, query)
			return err
		})
	}
	const insert = "insert into orders values (2, 'a', 1, 'second')"
	return map[string]func(context.Context){
		"ok": statement(unchanged, insert), "ok-sqlite": sqlite(insertFirst),
		"unique": statement(unchanged, "insert into orders values (1, 'a', 1, 'again')"), "missing-relation": statement(unchanged, "select * from account_limits"),
		"statement-timeout": statement(telemetry.With("statement_timeout", "200"), "select pg_sleep(0.5)"), "read-only": statement(telemetry.With("default_transaction_read_only", "on"), insert),
		"wrong-password": statement(telemetry.WrongPassword, insert), "refused": statement(telemetry.At("pg-gone:5432"), insert),
		"no-such-host": statement(telemetry.At("pg-shop.prod:5432"), insert), "tls-not-supported": statement(telemetry.With("sslmode", "require"), insert),
		"connection-dropped": withSQL(unchanged, dropped), "pool-exhausted": withSQL(unchanged, sqlPool), "driver-missing": driverMissing,
		"sqlite-locked": sqlite(lockedFile), "sqlite-missing-table": sqlite(func(ctx context.Context, db, _ *sql.DB) error {
			_, err := db.ExecContext(ctx, "select * from account_limits")
			return err
		}),
	}
}

func withSQL(change func(*url.URL), work sqlWork) func(context.Context) {
	return func(ctx context.Context) {
		plain, err := sql.Open("postgres", telemetry.Database("WORLD_POSTGRES_URL"))
		must(err)
		defer plain.Close()
		_, err = plain.ExecContext(ctx, telemetry.Setup)
		must(err)
		provider := telemetry.Service("order-svc")
		db, err := otelsql.Open("postgres", telemetry.Database("WORLD_POSTGRES_URL", change), otelsql.WithTracerProvider(provider), otelsql.WithAttributes(semconv.DBSystemNamePostgreSQL))
		must(err)
		defer db.Close()
		telemetry.Order(ctx, provider, func(ctx context.Context) error { return work(ctx, db) })
	}
}

func dropped(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(ctx, "select pg_terminate_backend(pg_backend_pid())")
	return err
}

func sqlPool(ctx context.Context, db *sql.DB) error {
	db.SetMaxOpenConns(1)
	held, err := db.Conn(context.Background())
	must(err)
	defer held.Close()
	limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = db.ExecContext(limited, "select 1")
	return err
}

// driverMissing: the program was built without the driver that its settings name.
func driverMissing(ctx context.Context) {
	telemetry.Order(ctx, telemetry.Service("order-svc"), func(ctx context.Context) error {
		_, err := sql.Open("mysql", "shop")
		return err
	})
}

func sqlite(work func(ctx context.Context, db, other *sql.DB) error) func(context.Context) {
	return func(ctx context.Context) {
		dir, err := os.MkdirTemp("", "orders")
		must(err)
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "orders.db") + "?_pragma=busy_timeout(200)"
		other, err := sql.Open("sqlite", file)
		must(err)
		defer other.Close()
		_, err = other.ExecContext(ctx, "create table orders (id integer primary key, note text)")
		must(err)
		provider := telemetry.Service("order-svc")
		db, err := otelsql.Open("sqlite", file, otelsql.WithTracerProvider(provider), otelsql.WithAttributes(semconv.DBSystemNameSqlite))
		must(err)
		defer db.Close()
		telemetry.Order(ctx, provider, func(ctx context.Context) error { return work(ctx, db, other) })
	}
}

func lockedFile(ctx context.Context, db, other *sql.DB) error {
	writer, err := other.Conn(context.Background())
	must(err)
	defer writer.Close()
	_, err = writer.ExecContext(context.Background(), "begin immediate")
	must(err)
	return insertFirst(ctx, db, nil)
}

func insertFirst(ctx context.Context, db, _ *sql.DB) error {
	_, err := db.ExecContext(ctx, "insert into orders values (1, 'first')")
	return err
}

func unchanged(*url.URL) {}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

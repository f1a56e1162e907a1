// go-pgx: order-svc takes an order and writes it with pgx, traced by otelpgx.
package main

import (
	"context"
	"net/url"
	"time"

	"beacon.test/world/telemetry"
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const takeOne = "update stock set n = n - 1 where sku = $1"

func main() { telemetry.Main(failures()) }

type job func(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error

func failures() map[string]func(context.Context) {
	run := func(change func(*url.URL), work job) func(context.Context) {
		return func(ctx context.Context) { withPool(ctx, work, change) }
	}
	statement := func(sql string, args ...any) func(context.Context) {
		return run(unchanged, func(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
			_, err := pool.Exec(ctx, sql, args...)
			return err
		})
	}
	return map[string]func(context.Context){
		"ok": run(unchanged, transaction), "ok-no-rows": run(unchanged, noRows), "ok-conflict-ignored": statement("insert into orders values (1, 'a', 1, 'again') on conflict do nothing"),
		"ok-waited-for-a-lock": run(unchanged, shortLock), "ok-pool-of-one": run(telemetry.With("pool_max_conns", "1"), transaction), "ok-slow-query": run(telemetry.With("statement_timeout", "2000"), sleeping),
		"deadlock": run(unchanged, deadlock), "lock-timeout": run(telemetry.With("lock_timeout", "200"), locked), "statement-timeout": run(telemetry.With("statement_timeout", "200"), sleeping),
		"serialization": run(unchanged, serialization), "unique": statement("insert into orders values (1, 'a', 1, 'again')"), "foreign-key": statement("insert into orders values (2, 'zzz', 1, 'x')"),
		"check": statement("update stock set n = n - 50 where sku = 'a'"), "not-null": statement("insert into orders (id, sku) values (2, 'a')"), "too-long": statement("insert into orders values (2, 'a', 1, repeat('x', 40))"),
		"division-by-zero": statement("select n / (n - n) from stock"), "syntax-error": statement("selct n from stock"), "missing-relation": statement("select * from account_limits"),
		"missing-column": statement("select discount from orders"), "missing-function": statement("select discount_of(1)"), "no-permission": statement("select * from pg_authid"),
		"read-only": run(telemetry.With("default_transaction_read_only", "on"), transaction), "wrong-password": run(telemetry.WrongPassword, transaction),
		"missing-database": run(func(at *url.URL) { at.Path = "/shop_v2" }, transaction), "missing-role": run(func(at *url.URL) { at.User = url.User("nobody") }, transaction),
		"refused": run(telemetry.At("pg-gone:5432"), transaction), "no-such-host": run(telemetry.At("pg-shop.prod:5432"), transaction),
		"pool-exhausted": run(telemetry.With("pool_max_conns", "1"), poolExhausted), "too-many-connections": tooMany, "role-connection-limit": roleLimit, "terminated-by-administrator": run(unchanged, terminated),
		"context-deadline": run(unchanged, deadline), "context-canceled": run(unchanged, canceled), "idle-in-transaction": run(telemetry.With("idle_in_transaction_session_timeout", "150"), idle),
		"advisory-lock-held": run(telemetry.With("lock_timeout", "200"), advisory), "n-plus-one": run(unchanged, onePerRow), "tls-not-supported": run(telemetry.With("sslmode", "verify-full"), transaction),
		"temporary-file-limit": run(unchanged, temporaryFiles),
	}
}

// withPool runs work against a traced pool, beside an untraced connection of an administrator that stands for all other
// clients. In a deadlock that connection waits longest, so that PostgreSQL ends the traced one.
func withPool(ctx context.Context, work job, change ...func(*url.URL)) {
	owner, err := pgx.Connect(ctx, telemetry.Database("WORLD_POSTGRES_URL"))
	must(err)
	_, err = owner.Exec(ctx, telemetry.Setup)
	must(err)
	must(owner.Close(ctx))
	other, err := pgx.Connect(ctx, telemetry.Database("WORLD_POSTGRES_ADMIN_URL", telemetry.With("deadlock_timeout", "20s")))
	must(err)
	defer other.Close(context.Background())
	provider := telemetry.Service("order-svc")
	config, err := pgxpool.ParseConfig(telemetry.Database("WORLD_POSTGRES_URL", change...))
	must(err)
	config.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(provider))
	pool, err := pgxpool.NewWithConfig(ctx, config)
	must(err)
	defer pool.Close()
	telemetry.Order(ctx, provider, func(ctx context.Context) error { return work(ctx, pool, other) })
}

func transaction(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, takeOne, "a"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into orders values ($1, $2, $3, $4)", 2, "a", 1, "second")
		return err
	})
}

func noRows(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	var n int
	if err := pool.QueryRow(ctx, "select n from stock where sku = $1", "none").Scan(&n); err != nil && err != pgx.ErrNoRows {
		return err
	}
	return nil
}

func shortLock(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	tx, err := other.Begin(ctx)
	must(err)
	_, err = tx.Exec(ctx, takeOne, "a")
	must(err)
	released := make(chan error)
	go func() {
		time.Sleep(60 * time.Millisecond)
		released <- tx.Commit(context.Background())
	}()
	_, err = pool.Exec(ctx, takeOne, "a")
	must(<-released)
	return err
}

func locked(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	tx, err := other.Begin(ctx)
	must(err)
	_, err = tx.Exec(ctx, takeOne, "a")
	must(err)
	defer func() { must(tx.Rollback(context.Background())) }()
	_, err = pool.Exec(ctx, takeOne, "a")
	return err
}

func advisory(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	_, err := other.Exec(ctx, "select pg_advisory_lock(7)")
	must(err)
	_, err = pool.Exec(ctx, "select pg_advisory_lock(7)")
	return err
}

func deadlock(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	theirs, err := other.Begin(ctx)
	must(err)
	_, err = theirs.Exec(ctx, takeOne, "b")
	must(err)
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, takeOne, "a"); err != nil {
			return err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = theirs.Exec(context.Background(), takeOne, "a")
			_ = theirs.Rollback(context.Background())
		}()
		defer func() { <-ended }()
		_, err := tx.Exec(ctx, takeOne, "b")
		_ = tx.Rollback(ctx)
		return err
	})
}

func sleeping(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	_, err := pool.Exec(ctx, "select pg_sleep(0.4)")
	return err
}

func serialization(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "select n from stock where sku = $1", "a").Scan(&n); err != nil {
			return err
		}
		_, err := other.Exec(ctx, takeOne, "a")
		must(err)
		_, err = tx.Exec(ctx, takeOne, "a")
		return err
	})
}

func poolExhausted(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	held, err := pool.Acquire(context.Background())
	must(err)
	defer held.Release()
	return within(300*time.Millisecond, func(ctx context.Context) error {
		_, err := pool.Exec(ctx, takeOne, "a")
		return err
	})(ctx)
}

// tooMany takes every connection that the server gives.
func tooMany(ctx context.Context) {
	withPool(ctx, func(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
		for {
			held, err := pgx.Connect(context.Background(), telemetry.Database("WORLD_POSTGRES_URL"))
			if err != nil {
				break
			}
			defer held.Close(context.Background())
		}
		return transaction(ctx, pool, nil)
	})
}

func roleLimit(ctx context.Context) {
	withPool(ctx, func(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
		return changedRole(pool, other, "connection limit 0", "connection limit -1", func() error { return transaction(ctx, pool, nil) })
	})
}

// changedRole alters the role of the pool while work runs.
func changedRole(pool *pgxpool.Pool, other *pgx.Conn, to, back string, work func() error) error {
	user := pgx.Identifier{pool.Config().ConnConfig.User}.Sanitize()
	_, err := other.Exec(context.Background(), "alter role "+user+" "+to)
	must(err)
	defer func() {
		_, err := other.Exec(context.Background(), "alter role "+user+" "+back)
		must(err)
	}()
	return work()
}

func terminated(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := other.Exec(ctx, "select pg_terminate_backend($1::int)", tx.Conn().PgConn().PID())
		must(err)
		time.Sleep(50 * time.Millisecond)
		_, err = tx.Exec(ctx, takeOne, "a")
		return err
	})
}

func deadline(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	return within(200*time.Millisecond, func(ctx context.Context) error { return sleeping(ctx, pool, nil) })(ctx)
}

func canceled(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	return sleeping(ctx, pool, nil)
}

func idle(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, takeOne, "a"); err != nil {
			return err
		}
		time.Sleep(400 * time.Millisecond)
		_, err := tx.Exec(ctx, takeOne, "b")
		return err
	})
}

func onePerRow(ctx context.Context, pool *pgxpool.Pool, _ *pgx.Conn) error {
	for range 40 {
		if _, err := pool.Exec(ctx, "select pg_sleep(0.005) from orders where id = $1", 1); err != nil {
			return err
		}
	}
	return nil
}

func temporaryFiles(ctx context.Context, pool *pgxpool.Pool, other *pgx.Conn) error {
	return changedRole(pool, other, "set temp_file_limit = '100kB'", "reset temp_file_limit", func() error {
		_, err := pool.Exec(ctx, "select count(*) from (select i from generate_series(1, 3000000) i order by i % 7777, i) x")
		return err
	})
}

func unchanged(*url.URL) {}

func within(limit time.Duration, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return run(ctx)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

package world;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/** What order-svc does about an order, by the name of the failure. */
final class Failures {
    private static final String TAKE = "update stock set n = n - 1 where sku = ?";
    private static final String INSERT = "insert into orders (id, sku, n, note) values (?, ?, ?, ?)";

    private interface Work {
        Object with(HikariDataSource pool, JdbcTemplate jdbc, Connection other) throws Exception;
    }

    private Failures() {}

    static Object run(String failure) throws Exception {
        return switch (failure) {
            case "ok" -> shop(Failures::order);
            case "ok-no-row" -> shop((pool, jdbc, other) -> jdbc.queryForList("select n from stock where sku = ?", "none"));
            case "ok-waited-for-a-lock" -> shop(Failures::shortLock);
            case "ok-slow-query" -> shop(Failures::sleep, "options=-c statement_timeout=2000");
            case "deadlock" -> shop(Failures::deadlock);
            case "lock-timeout" -> shop(Failures::locked, "options=-c lock_timeout=200");
            case "statement-timeout" -> shop(Failures::sleep, "options=-c statement_timeout=200");
            case "query-timeout" -> shop((pool, jdbc, other) -> { jdbc.setQueryTimeout(1); return jdbc.queryForList("select pg_sleep(2)"); });
            case "socket-timeout" -> shop((pool, jdbc, other) -> jdbc.queryForList("select pg_sleep(2)"), "socketTimeout=1");
            case "serialization" -> shop(Failures::serialization);
            case "unique" -> shop((pool, jdbc, other) -> jdbc.update(INSERT, 1, "a", 1, "again"));
            case "foreign-key" -> shop((pool, jdbc, other) -> jdbc.update(INSERT, 2, "zzz", 1, "x"));
            case "check" -> shop((pool, jdbc, other) -> jdbc.update("update stock set n = n - 50 where sku = 'a'"));
            case "not-null" -> shop((pool, jdbc, other) -> jdbc.update("insert into orders (id, sku) values (2, 'a')"));
            case "too-long" -> shop((pool, jdbc, other) -> jdbc.update(INSERT, 2, "a", 1, "x".repeat(40)));
            case "missing-relation" -> shop((pool, jdbc, other) -> jdbc.queryForList("select * from account_limits"));
            case "missing-column" -> shop((pool, jdbc, other) -> jdbc.queryForList("select discount from orders"));
            case "syntax-error" -> shop((pool, jdbc, other) -> jdbc.queryForList("selct n from stock"));
            case "no-permission" -> shop((pool, jdbc, other) -> jdbc.queryForList("select * from pg_authid"));
            case "no-row-for-object" -> shop((pool, jdbc, other) -> jdbc.queryForObject("select n from stock where sku = ?", Integer.class, "none"));
            case "read-only" -> shop(Failures::order, "options=-c default_transaction_read_only=on");
            case "wrong-password" -> shop(Failures::order, "password=not-it");
            case "missing-database" -> shop(Failures::order, "database=shop_v2");
            case "refused" -> shop("pg-gone", Failures::order);
            case "unknown-host" -> shop("pg-shop.prod", Failures::order);
            case "pool-exhausted" -> shop(Failures::poolExhausted, "size=1");
            case "too-many-connections" -> shop(Failures::tooMany);
            case "role-connection-limit" -> shop(Failures::roleLimit);
            case "terminated" -> shop(Failures::terminated);
            case "idle-in-transaction" -> shop(Failures::idle, "options=-c idle_in_transaction_session_timeout=150");
            case "tls-not-supported" -> shop(Failures::order, "sslmode=require");
            case "n-plus-one" -> shop((pool, jdbc, other) -> { for (int i = 0; i < 40; i++) jdbc.queryForList("select pg_sleep(0.005) from orders where id = ?", 1); return "done"; });
            case "pool-closed" -> shop((pool, jdbc, other) -> { pool.close(); return jdbc.queryForList("select 1"); });
            default -> throw new IllegalArgumentException(failure);
        };
    }

    private static Object shop(Work work, String... options) throws Exception {
        return shop("pg-shop", work, options);
    }

    private static Object shop(String host, Work work, String... options) throws Exception {
        Shop.reset();
        try (var pool = Shop.pool(host, options)) {
            return work.with(pool, new JdbcTemplate(pool), Shop.OTHER);
        }
    }

    private static Object order(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        return transaction(pool).execute(status -> jdbc.update(TAKE, "a") + jdbc.update(INSERT, 2, "a", 1, "second"));
    }

    private static TransactionTemplate transaction(DataSource pool) {
        return new TransactionTemplate(new DataSourceTransactionManager(pool));
    }

    private static void apart(Connection other, String... statements) {
        try (var outside = Shop.outside(); var statement = other.createStatement()) {
            for (var sql : statements) statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object sleep(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        return jdbc.queryForList("select pg_sleep(0.4)").size();
    }

    private static Object shortLock(HikariDataSource pool, JdbcTemplate jdbc, Connection other) throws Exception {
        apart(other, "begin", "update stock set n = n - 1 where sku = 'a'");
        var released = CompletableFuture.runAsync(() -> { pause(60); apart(other, "commit"); });
        var updated = jdbc.update(TAKE, "a");
        released.get();
        return updated;
    }

    private static Object locked(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        apart(other, "begin", "update stock set n = n - 1 where sku = 'a'");
        return jdbc.update(TAKE, "a");
    }

    private static Object deadlock(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        apart(other, "begin", "update stock set n = n - 1 where sku = 'b'");
        return transaction(pool).execute(status -> {
            jdbc.update(TAKE, "a");
            CompletableFuture.runAsync(() -> apart(other, "update stock set n = n - 1 where sku = 'a'", "rollback"));
            pause(100);
            return jdbc.update(TAKE, "b");
        });
    }

    private static Object serialization(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        var serializable = transaction(pool);
        serializable.setIsolationLevel(TransactionDefinition.ISOLATION_SERIALIZABLE);
        return serializable.execute(status -> {
            jdbc.queryForList("select n from stock where sku = ?", "a");
            apart(other, "update stock set n = n - 1 where sku = 'a'");
            return jdbc.update(TAKE, "a");
        });
    }

    private static Object poolExhausted(HikariDataSource pool, JdbcTemplate jdbc, Connection other) throws Exception {
        try (var held = pool.getConnection()) {
            return jdbc.update(TAKE, "a");
        }
    }

    private static Object tooMany(HikariDataSource pool, JdbcTemplate jdbc, Connection other) throws Exception {
        var held = new ArrayList<Connection>();
        try {
            try (var outside = Shop.outside()) {
                for (;;) held.add(Shop.beside());
            } catch (SQLException full) {
                return jdbc.update(TAKE, "a");
            }
        } finally {
            for (var each : held) each.close();
        }
    }

    private static Object roleLimit(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        apart(other, "alter role " + Shop.role() + " connection limit 0");
        try {
            return jdbc.update(TAKE, "a");
        } finally {
            apart(other, "alter role " + Shop.role() + " connection limit -1");
        }
    }

    private static Object terminated(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        return transaction(pool).execute(status -> {
            var pid = jdbc.queryForObject("select pg_backend_pid()", Integer.class);
            apart(other, "select pg_terminate_backend(" + pid + ")");
            pause(50);
            return jdbc.update(TAKE, "a");
        });
    }

    private static Object idle(HikariDataSource pool, JdbcTemplate jdbc, Connection other) {
        return transaction(pool).execute(status -> {
            jdbc.update(TAKE, "a");
            pause(400);
            return jdbc.update(TAKE, "b");
        });
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

package world;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Scope;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/** Ways to the shop's database. */
final class Shop {
    private static final URI AT = URI.create(System.getenv("WORLD_POSTGRES_URL"));
    private static final URI ADMIN = URI.create(System.getenv("WORLD_POSTGRES_ADMIN_URL"));
    private static final String[] TABLES = {
        "drop schema if exists shop cascade", "create schema shop",
        "create table shop.stock (sku text primary key, n integer not null check (n >= 0))",
        "create table shop.orders (id integer primary key, sku text not null references shop.stock, n integer not null, note varchar(20))",
        "insert into shop.stock values ('a', 10), ('b', 10)", "insert into shop.orders values (1, 'a', 1, 'first')",
    };

    /** An administrator's connection, which stands for all other clients. */
    static final Connection OTHER = start();

    private Shop() {}

    private static Connection start() {
        try (var outside = outside()) {
            try (var connection = beside(); var statement = connection.createStatement()) {
                for (var sql : TABLES) statement.execute(sql);
            }
            return connect(ADMIN, "-c deadlock_timeout=20s");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What is in the tables at first. */
    static void reset() throws SQLException {
        try (var outside = outside(); var statement = OTHER.createStatement()) {
            statement.execute("rollback; delete from orders where id > 1; update stock set n = 10");
        }
    }

    /** The order service's pool. The options go to the driver, such as {@code options=-c lock_timeout=200}. */
    static HikariDataSource pool(String host, String... options) {
        var config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://" + host + ":5432/shop");
        var user = AT.getUserInfo().split(":", 2);
        config.setUsername(user[0]);
        config.setPassword(user[1]);
        config.setPoolName("orders");
        config.setMaximumPoolSize(2);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(400);
        config.setInitializationFailTimeout(-1);
        config.addDataSourceProperty("currentSchema", "shop");
        for (var option : options) {
            var pair = option.split("=", 2);
            if (pair[0].equals("password")) config.setPassword(pair[1]);
            else if (pair[0].equals("database")) config.setJdbcUrl("jdbc:postgresql://" + host + ":5432/" + pair[1]);
            else if (pair[0].equals("size")) config.setMaximumPoolSize(Integer.parseInt(pair[1]));
            else config.addDataSourceProperty(pair[0], pair[1]);
        }
        return new HikariDataSource(config);
    }

    /** What runs in this scope is another client's: it leaves no spans. */
    static Scope outside() {
        var unsampled = SpanContext.create("0".repeat(31) + "1", "0".repeat(15) + "1", TraceFlags.getDefault(), TraceState.getDefault());
        return Span.wrap(unsampled).makeCurrent();
    }

    /** A connection of the service's role beside its pool. */
    static Connection beside() throws SQLException {
        return connect(AT, "");
    }

    static String role() {
        return AT.getUserInfo().split(":", 2)[0];
    }

    private static Connection connect(URI at, String options) throws SQLException {
        var properties = new Properties();
        var user = at.getUserInfo().split(":", 2);
        properties.setProperty("user", user[0]);
        properties.setProperty("password", user[1]);
        properties.setProperty("options", options);
        properties.setProperty("currentSchema", "shop");
        return DriverManager.getConnection("jdbc:postgresql://" + at.getHost() + ":5432/shop", properties);
    }
}

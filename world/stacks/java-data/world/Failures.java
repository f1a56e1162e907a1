package world;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.mongodb.MongoClientSettings;
import com.mongodb.client.MongoClients;
import com.rabbitmq.client.ConnectionFactory;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.failsafe.CircuitBreaker;
import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import dev.failsafe.Timeout;
import feign.Feign;
import feign.RequestLine;
import feign.Retryer;
import io.r2dbc.spi.ConnectionFactories;
import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClient;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.hibernate.SessionFactory;
import org.hibernate.cfg.Configuration;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** What goes wrong, by its name. */
final class Failures {
    private static final URI MYSQL = URI.create(System.getenv("WORLD_MYSQL_URL"));
    private static final String[] USER = MYSQL.getUserInfo().split(":");
    private static final String TABLE = "create table if not exists books (id int primary key, title varchar(10) not null)";

    private static final Map<String, Callable<?>> ALL = Map.ofEntries(
        entry("ok-mysql", () -> mysql("mysql", MYSQL.getPort(), USER[1], "select 1")),
        entry("mysql-unique", () -> mysql("mysql", MYSQL.getPort(), USER[1], "insert into books values (1, 'a'), (1, 'b')")),
        entry("mysql-too-long", () -> mysql("mysql", MYSQL.getPort(), USER[1], "insert into books values (1, 'far too long a title')")),
        entry("mysql-no-table", () -> mysql("mysql", MYSQL.getPort(), USER[1], "select * from account_limits")),
        entry("mysql-syntax", () -> mysql("mysql", MYSQL.getPort(), USER[1], "selec 1")),
        entry("mysql-wrong-password", () -> mysql("mysql", MYSQL.getPort(), "stale", "select 1")),
        entry("mysql-refused", () -> mysql("mysql", 3307, USER[1], "select 1")),
        entry("mysql-dns", () -> query("jdbc:mysql://mysql.internal:3306/shop", USER[1], "select 1", 0)),
        entry("mysql-silent", () -> query("jdbc:mysql://partner-3.example:80/shop?connectTimeout=500&socketTimeout=500", USER[1], "select 1", 0)),
        entry("mysql-socket-timeout", () -> query(url("mysql", MYSQL.getPort()) + "?socketTimeout=500", USER[1], "select sleep(2)", 0)),
        entry("mysql-query-timeout", () -> query(url("mysql", MYSQL.getPort()), USER[1], "select sleep(3), benchmark(300000000, sha1('a'))", 1)),
        entry("mysql-killed", Failures::killed),
        entry("mysql-deadlock", Failures::deadlock),
        entry("mysql-lock", Failures::lock),
        entry("mariadb-refused", () -> mysql("mariadb", 3307, USER[1], "select 1")),
        entry("mariadb-wrong-password", () -> mysql("mariadb", MYSQL.getPort(), "stale", "select 1")),
        entry("mariadb-no-table", () -> mysql("mariadb", MYSQL.getPort(), USER[1], "select * from account_limits")),
        entry("hikari-pool", () -> pool(1, MYSQL.getPort())),
        entry("hikari-refused", () -> pool(0, 3307)),
        entry("hibernate-unique", () -> hibernate("insert into books values (1, 'a'), (1, 'b')")),
        entry("hibernate-no-table", () -> hibernate("select * from account_limits")),
        entry("mongo-refused", () -> mongo("mongo-1", 27017)),
        entry("mongo-dns", () -> mongo("mongo.internal", 27017)),
        entry("mongo-silent", () -> mongo("partner-3.example", 80)),
        entry("r2dbc-refused", () -> r2dbc("mysql-shop:3307")),
        entry("r2dbc-dns", () -> r2dbc("mysql.internal:3306")),
        entry("ok-feign", () -> feign(System.getenv("WORLD_TLS_GOOD"))),
        entry("feign-refused", () -> feign(System.getenv("WORLD_BROKEN_REFUSED"))),
        entry("feign-dns", () -> feign("http://rates.internal")),
        entry("feign-expired", () -> feign(System.getenv("WORLD_TLS_EXPIRED"))),
        entry("feign-unknown", () -> feign(System.getenv("WORLD_TLS_UNKNOWN"))),
        entry("feign-silent", () -> feign(System.getenv("WORLD_BROKEN_SILENT"))),
        entry("feign-hangup", () -> feign(System.getenv("WORLD_BROKEN_HANGUP"))),
        entry("vertx-refused", () -> vertx(System.getenv("WORLD_BROKEN_REFUSED"))),
        entry("vertx-dns", () -> vertx("http://rates.internal")),
        entry("vertx-silent", () -> vertx(System.getenv("WORLD_BROKEN_SILENT"))),
        entry("vertx-hangup", () -> vertx(System.getenv("WORLD_BROKEN_HANGUP"))),
        entry("vertx-name", () -> vertx(System.getenv("WORLD_TLS_OTHER_NAME"))),
        entry("rabbit-refused", () -> rabbit("cloud-1")),
        entry("rabbit-dns", () -> rabbit("rabbit.internal")),
        entry("rabbit-silent", () -> rabbit("partner-3.example")),
        entry("ok-kafka", () -> kafka("orders", System.getenv("WORLD_KAFKA"), 10)),
        entry("kafka-no-topic", () -> kafka("ledgers", System.getenv("WORLD_KAFKA"), 10)),
        entry("kafka-refused", () -> kafka("orders", "kafka-1:9999", 10)),
        entry("kafka-dns", () -> kafka("orders", "kafka.internal:9092", 10)),
        entry("kafka-too-large", () -> kafka("orders", System.getenv("WORLD_KAFKA"), 300_000)),
        entry("kafka-far-too-large", () -> kafka("orders", System.getenv("WORLD_KAFKA"), 3_000_000)),
        entry("kafka-no-group", Failures::consume),
        entry("dynamo-refused", () -> dynamo("http://cloud-1:8001")),
        entry("dynamo-dns", () -> dynamo("http://dynamo.internal")),
        entry("dynamo-silent", () -> dynamo(System.getenv("WORLD_BROKEN_SILENT"))),
        entry("failsafe-open", Failures::open),
        entry("failsafe-timeout", () -> Failsafe.with(Timeout.of(Duration.ofMillis(300))).get(() -> pause(2000))),
        entry("failsafe-retries", () -> Failsafe.with(RetryPolicy.builder().withMaxRetries(2).build()).get(() -> feign(System.getenv("WORLD_BROKEN_REFUSED")))),
        entry("future-timeout", () -> CompletableFuture.supplyAsync(() -> pause(2000)).get(300, TimeUnit.MILLISECONDS)),
        entry("jackson-field", () -> new ObjectMapper().readValue("{\"price\": \"cheap\"}", Book.class)),
        entry("memory", () -> new long[Integer.MAX_VALUE / 2].length),
        entry("stack", () -> deeper(0)),
        entry("null-pointer", () -> ((String) List.of(Map.of()).get(0).get("title")).trim()),
        entry("class-missing", () -> Class.forName("com.example.PriceList")));

    private Failures() {}

    public record Book(int price) {}

    private static Map.Entry<String, Callable<?>> entry(String name, Callable<?> work) {
        return Map.entry(name, work);
    }

    static void run(String failure) throws Throwable {
        var work = ALL.get(failure);
        if (work == null) throw new IllegalArgumentException("no failure " + failure);
        try {
            work.call();
        } catch (ExecutionException e) {
            throw e.getCause();
        }
    }

    private static String url(String scheme, int port) {
        return "jdbc:" + scheme + "://" + MYSQL.getHost() + ":" + port + "/shop";
    }

    private static Object mysql(String scheme, int port, String password, String statement) throws SQLException {
        return query(url(scheme, port), password, statement, 0);
    }

    private static Object query(String url, String password, String statement, int seconds) throws SQLException {
        try (var connection = DriverManager.getConnection(url, USER[0], password); var query = connection.createStatement()) {
            query.execute(TABLE);
            query.setQueryTimeout(seconds);
            return query.execute(statement);
        }
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(url("mysql", MYSQL.getPort()), USER[0], USER[1]);
    }

    private static Object killed() throws SQLException {
        try (var one = connect(); var other = connect(); var query = one.createStatement()) {
            var ids = query.executeQuery("select connection_id()");
            ids.next();
            other.createStatement().execute("kill " + ids.getInt(1));
            return query.execute("select 1");
        }
    }

    private static void books(Connection one) throws SQLException {
        try (var query = one.createStatement()) {
            query.execute(TABLE);
            query.execute("replace into books values (1, 'a'), (2, 'b')");
        }
    }

    private static Object deadlock() throws Exception {
        try (var one = connect(); var two = connect()) {
            books(one);
            one.setAutoCommit(false);
            two.setAutoCommit(false);
            one.createStatement().execute("update books set title = 'c' where id = 1");
            two.createStatement().execute("insert into books values (7, 'x'), (8, 'x'), (9, 'x')");
            two.createStatement().execute("update books set title = 'c' where id = 2");
            var waiting = CompletableFuture.runAsync(() -> {
                try {
                    two.createStatement().execute("update books set title = 'd' where id = 1");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            pause(200);
            try {
                return one.createStatement().execute("update books set title = 'd' where id = 2");
            } finally {
                one.rollback();
                waiting.exceptionally(e -> null).join();
                two.rollback();
            }
        }
    }

    private static Object lock() throws SQLException {
        try (var one = connect(); var two = connect()) {
            books(one);
            one.setAutoCommit(false);
            one.createStatement().execute("update books set title = 'c' where id = 1");
            return two.createStatement().execute("update books set title = 'd' where id = 1");
        }
    }

    private static Object pool(int held, int port) throws SQLException {
        var config = new HikariConfig();
        config.setJdbcUrl(url("mysql", port));
        config.setUsername(USER[0]);
        config.setPassword(USER[1]);
        config.setMaximumPoolSize(1);
        config.setConnectionTimeout(400);
        config.setPoolName("BookPool");
        try (var source = new HikariDataSource(config)) {
            var first = held > 0 ? source.getConnection() : null;
            try (first; var second = source.getConnection()) {
                return second.isValid(1);
            }
        }
    }

    private static Object hibernate(String statement) {
        var configuration = new Configuration().setProperty("hibernate.connection.url", url("mysql", MYSQL.getPort()))
            .setProperty("hibernate.connection.username", USER[0]).setProperty("hibernate.connection.password", USER[1]);
        try (SessionFactory factory = configuration.buildSessionFactory()) {
            return factory.fromTransaction(session -> {
                session.createNativeMutationQuery(TABLE).executeUpdate();
                return statement.startsWith("select") ? session.createNativeQuery(statement, Object[].class).list() : session.createNativeMutationQuery(statement).executeUpdate();
            });
        }
    }

    private static Object mongo(String host, int port) {
        var settings = MongoClientSettings.builder().applyToClusterSettings(cluster -> cluster.hosts(List.of(new com.mongodb.ServerAddress(host, port))).serverSelectionTimeout(600, TimeUnit.MILLISECONDS))
            .applyToSocketSettings(socket -> socket.connectTimeout(400, TimeUnit.MILLISECONDS).readTimeout(400, TimeUnit.MILLISECONDS)).build();
        try (var client = MongoClients.create(settings)) {
            return client.getDatabase("shop").getCollection("books").find().first();
        }
    }

    private static Object r2dbc(String address) {
        var factory = ConnectionFactories.get("r2dbc:mysql://" + USER[0] + "@" + address + "/shop?connectTimeout=PT1S");
        return Mono.from(factory.create()).block(Duration.ofSeconds(3));
    }

    interface Rates {
        @RequestLine("GET /eur")
        String eur();
    }

    private static Object feign(String url) {
        var options = new feign.Request.Options(500, TimeUnit.MILLISECONDS, 500, TimeUnit.MILLISECONDS, true);
        return Feign.builder().options(options).retryer(Retryer.NEVER_RETRY).target(Rates.class, url).eur();
    }

    private static Object vertx(String url) throws Exception {
        var vertx = Vertx.vertx();
        var trust = new io.vertx.core.net.PemTrustOptions().addCertPath(System.getenv("WORLD_CA_FILE"));
        var options = new io.vertx.ext.web.client.WebClientOptions().setTrustOptions(trust).setConnectTimeout(500);
        try {
            return WebClient.create(vertx, options).getAbs(url + "/eur").timeout(600).send().toCompletionStage().toCompletableFuture().get(5, TimeUnit.SECONDS).bodyAsString();
        } finally {
            vertx.close();
        }
    }

    private static Object rabbit(String host) throws Exception {
        var factory = new ConnectionFactory();
        factory.setHost(host);
        if (host.startsWith("partner")) factory.setPort(80);
        factory.setConnectionTimeout(500);
        factory.setHandshakeTimeout(500);
        try (var connection = factory.newConnection(); var channel = connection.createChannel()) {
            channel.basicPublish("", "books", null, new byte[10]);
            return null;
        }
    }

    private static Object kafka(String topic, String at, int size) throws Exception {
        var settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", at, "max.block.ms", "1500", "delivery.timeout.ms", "2000", "request.timeout.ms", "1000", "linger.ms", "0"));
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            return producer.send(new ProducerRecord<>(topic, "x".repeat(size))).get();
        }
    }

    private static Object consume() {
        var settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", System.getenv("WORLD_KAFKA")));
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("orders"));
            return consumer.poll(Duration.ofMillis(500));
        }
    }

    private static Object dynamo(String url) {
        var keys = StaticCredentialsProvider.create(AwsBasicCredentials.create("world", "world"));
        try (var client = DynamoDbClient.builder().region(Region.EU_WEST_1).endpointOverride(URI.create(url)).credentialsProvider(keys)
            .overrideConfiguration(c -> c.apiCallTimeout(Duration.ofMillis(900)).retryStrategy(r -> r.maxAttempts(1))).build()) {
            return client.getItem(r -> r.tableName("books").key(Map.of("id", AttributeValue.fromS("17"))));
        }
    }

    private static Object open() {
        var breaker = CircuitBreaker.builder().withFailureThreshold(1).withDelay(Duration.ofMinutes(1)).build();
        try {
            Failsafe.with(breaker).run(() -> {
                throw new IllegalStateException("first");
            });
        } catch (IllegalStateException expected) {
            // It opens now.
        }
        return Failsafe.with(breaker).get(() -> 1);
    }

    private static Object pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return null;
    }

    private static int deeper(int n) {
        return deeper(n + 1) + 1;
    }
}

package world;

import io.grpc.ManagedChannelBuilder;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.util.Timeout;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPooled;

/** What order-svc does about an order, by the name of the failure. */
final class Failures {
    private static final URI REDIS = URI.create(System.getenv("WORLD_REDIS_URL"));
    private static final OkHttpClient OK = new OkHttpClient.Builder().readTimeout(Duration.ofMillis(400)).build();

    private Failures() {}

    static void run(String failure) throws Exception {
        switch (failure) {
            case "ok-okhttp" -> ok(System.getenv("WORLD_TLS_GOOD"));
            case "ok-apache" -> apache(System.getenv("WORLD_TLS_GOOD"));
            case "ok-jedis" -> jedis(REDIS.getHost(), null);
            case "ok-lettuce" -> lettuce(REDIS.getHost(), false);
            case "ok-grpc" -> grpc("inventory-svc", "", 2000);
            case "okhttp-refused" -> ok(System.getenv("WORLD_BROKEN_REFUSED"));
            case "okhttp-unknown-host" -> ok("http://tax-svc.prod");
            case "okhttp-timeout" -> ok(System.getenv("WORLD_BROKEN_SILENT"));
            case "okhttp-reset" -> ok(System.getenv("WORLD_BROKEN_RESET"));
            case "okhttp-hang-up" -> ok(System.getenv("WORLD_BROKEN_HANGUP"));
            case "okhttp-cut-body" -> ok(System.getenv("WORLD_BROKEN_CUT_LENGTH"));
            case "okhttp-expired" -> ok(System.getenv("WORLD_TLS_EXPIRED"));
            case "okhttp-wrong-host" -> ok(System.getenv("WORLD_TLS_OTHER_NAME"));
            case "apache-refused" -> apache(System.getenv("WORLD_BROKEN_REFUSED"));
            case "apache-unknown-host" -> apache("http://tax-svc.prod");
            case "apache-timeout" -> apache(System.getenv("WORLD_BROKEN_SILENT"));
            case "apache-hang-up" -> apache(System.getenv("WORLD_BROKEN_HANGUP"));
            case "apache-cut-body" -> apache(System.getenv("WORLD_BROKEN_CUT_LENGTH"));
            case "apache-unknown-authority" -> apache(System.getenv("WORLD_TLS_UNKNOWN"));
            case "apache-pool-exhausted" -> apacheTwice();
            case "jedis-refused" -> jedis("redis-gone", null);
            case "jedis-wrong-password" -> jedis(REDIS.getHost(), "not-it");
            case "jedis-pool-exhausted" -> jedisTwice();
            case "jedis-wrong-type" -> wrongType();
            case "lettuce-refused" -> lettuce("redis-gone", false);
            case "lettuce-timeout" -> lettuce(REDIS.getHost(), true);
            case "grpc-refused" -> grpc("redis-gone", "", 2000);
            case "grpc-unknown-host" -> grpc("inventory-svc.prod", "", 2000);
            case "grpc-deadline" -> grpc("inventory-svc", "slow", 300);
            case "grpc-unavailable" -> grpc("inventory-svc", "draining", 2000);
            case "grpc-resource-exhausted" -> grpc("inventory-svc", "rate", 2000);
            case "grpc-unauthenticated" -> grpc("inventory-svc", "token", 2000);
            case "grpc-not-found" -> grpc("inventory-svc", "missing", 2000);
            case "grpc-invalid-argument" -> grpc("inventory-svc", "wrong", 2000);
            case "grpc-null-pointer" -> grpc("inventory-svc", "null", 2000);
            case "kafka-no-broker" -> kafka("kafka-gone:9092");
            case "kafka-unknown-host" -> kafka("kafka.prod:9092");
            default -> throw new IllegalArgumentException(failure);
        }
    }

    private static void ok(String host) throws Exception {
        try (var answer = OK.newCall(new Request.Builder().url(host + "/rate").build()).execute()) {
            answer.body().string();
        }
    }

    private static CloseableHttpClient client() {
        var settings = ConnectionConfig.custom().setConnectTimeout(Timeout.ofMilliseconds(700)).setSocketTimeout(Timeout.ofMilliseconds(400)).build();
        var connections = PoolingHttpClientConnectionManagerBuilder.create().setMaxConnTotal(1).setDefaultConnectionConfig(settings).useSystemProperties().build();
        return HttpClients.custom().useSystemProperties().setConnectionManager(connections).disableAutomaticRetries().setDefaultRequestConfig(RequestConfig.custom().setConnectionRequestTimeout(Timeout.ofMilliseconds(200)).build()).build();
    }

    private static void apache(String host) throws Exception {
        try (var client = client()) {
            client.execute(new HttpGet(host + "/rate"), answer -> EntityUtils.toString(answer.getEntity()));
        }
    }

    /** The second request wants a connection while the first still holds the only one. */
    private static void apacheTwice() throws Exception {
        var get = new HttpGet(System.getenv("WORLD_TLS_GOOD") + "/rate");
        try (var client = client(); var held = client.executeOpen(null, get, null)) {
            client.execute(get, answer -> EntityUtils.toString(answer.getEntity()));
        }
    }

    private static void jedis(String host, String password) {
        var settings = DefaultJedisClientConfig.builder().password(password).build();
        try (var jedis = new JedisPooled(new HostAndPort(host, 6379), settings)) {
            jedis.set("basket:17", "a,b");
        }
    }

    private static void jedisTwice() {
        var pool = new ConnectionPoolConfig();
        pool.setMaxTotal(1);
        pool.setMaxWait(Duration.ofMillis(200));
        try (var jedis = new JedisPooled(pool, REDIS.getHost(), 6379); var held = jedis.getPool().getResource()) {
            jedis.set("basket:17", "a,b");
        }
    }

    private static void wrongType() {
        try (var jedis = new JedisPooled(REDIS.getHost(), 6379)) {
            jedis.set("basket:17", "a,b");
            jedis.lpush("basket:17", "c");
        }
    }

    private static void lettuce(String host, boolean paused) {
        var client = RedisClient.create(RedisURI.builder().withHost(host).withPort(6379).withTimeout(Duration.ofMillis(300)).build());
        try (var connection = client.connect()) {
            if (paused) connection.sync().clientPause(900);
            connection.sync().set("basket:17", "a,b");
        } finally {
            client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
        }
    }

    private static void grpc(String host, String how, long deadline) {
        var channel = ManagedChannelBuilder.forAddress(host, 8080).usePlaintext().build();
        try {
            HealthGrpc.newBlockingStub(channel).withDeadlineAfter(deadline, TimeUnit.MILLISECONDS).check(HealthCheckRequest.newBuilder().setService(how).build());
        } finally {
            channel.shutdownNow();
        }
    }

    private static void kafka(String broker) throws Exception {
        var settings = Map.<String, Object>of("bootstrap.servers", broker, "max.block.ms", "600", "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class);
        try (var producer = new KafkaProducer<String, String>(settings)) {
            producer.send(new ProducerRecord<>("orders", "17", "{}")).get();
        }
    }
}

package world;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Starts each service in a JVM of its own under OpenTelemetry's agent, and has the first one fail in one way after another. */
final class Launcher {
    /** A service and the class that runs it; it listens at port 8080 of its name. */
    record Service(String name, Class<?> main, String... options) {}

    private static final String COLLECTOR = System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    private static final Duration START = Duration.ofMinutes(10);

    private Launcher() {}

    static void run(String[] failures, Service... services) throws Exception {
        var started = new ArrayList<Process>();
        try {
            for (var service : services) started.add(start(service));
            for (int i = 0; i < services.length; i++) await(services[i].name(), started.get(i));
            var http = HttpClient.newHttpClient();
            // A JVM is slow at first: what is healthy must not look like it.
            for (int i = 0; i < 3; i++) {
                for (var failure : failures) if (failure.startsWith("ok")) ask(http, services[0].name(), failure);
            }
            done(http, "warm-up");
            for (var failure : failures) {
                ask(http, services[0].name(), failure);
                done(http, failure);
            }
        } finally {
            for (var process : started) process.destroy();
            for (var process : started) process.waitFor();
        }
    }

    private static void ask(HttpClient http, String service, String failure) throws Exception {
        var order = HttpRequest.newBuilder(URI.create("http://" + service + ":8080/orders/17")).header("x-failure", failure);
        http.send(order.timeout(Duration.ofSeconds(60)).build(), BodyHandlers.discarding());
    }

    /** Comes back when the collector has all of it. */
    private static void done(HttpClient http, String failure) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(COLLECTOR + "/done/" + failure)).POST(HttpRequest.BodyPublishers.noBody());
        http.send(request.build(), BodyHandlers.discarding());
    }

    private static Process start(Service service) throws Exception {
        var command = new ArrayList<String>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-javaagent:" + System.getenv("WORLD_JAVA_AGENT"), "-cp", System.getProperty("java.class.path"), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dspring.main.lazy-initialization=true"));
        command.addAll(List.of(service.options()));
        if (System.getenv("WORLD_CA_FILE") != null) command.add("-Djavax.net.ssl.trustStore=" + trustStore());
        command.add(service.main().getName());
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.to(new File(System.getProperty("java.io.tmpdir"), service.name() + ".log")));
        var environment = builder.environment();
        environment.put("OTEL_SERVICE_NAME", service.name());
        environment.put("OTEL_RESOURCE_ATTRIBUTES", "service.version=2.3.9");
        environment.put("OTEL_METRICS_EXPORTER", "none");
        environment.put("OTEL_BSP_SCHEDULE_DELAY", "200");
        environment.put("OTEL_BLRP_SCHEDULE_DELAY", "200");
        return builder.start();
    }

    private static void await(String host, Process process) throws Exception {
        for (var until = System.nanoTime() + START.toNanos(); ; Thread.sleep(50)) {
            try (var socket = new Socket()) {
                socket.connect(new InetSocketAddress(host, 8080), 1000);
                return;
            } catch (java.io.IOException notYet) {
                if (!process.isAlive() || System.nanoTime() > until) {
                    var log = Files.readString(Path.of(System.getProperty("java.io.tmpdir"), host + ".log"));
                    throw new IllegalStateException(host + " did not start: " + log.substring(Math.max(0, log.length() - 3000)));
                }
            }
        }
    }

    /** What PEM files hold, as Java reads it. */
    private static String trustStore() throws Exception {
        var store = KeyStore.getInstance("JKS");
        store.load(null, null);
        try (var pem = new FileInputStream(System.getenv("WORLD_CA_FILE"))) {
            store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        var file = Files.createTempFile("trust", ".jks").toString();
        try (var out = new FileOutputStream(file)) {
            store.store(out, new char[0]);
        }
        return file;
    }
}

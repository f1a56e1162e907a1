package world;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** warehouse-svc, over the JDK's own server: takes as long as the caller's header says. */
final class WarehouseService {
    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(System.getenv("OTEL_SERVICE_NAME"), 8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/stock", exchange -> {
            try (exchange) {
                Thread.sleep(Long.parseLong(exchange.getRequestHeaders().getFirst("x-takes")));
                var body = "{\"n\":4}".getBytes();
                exchange.getResponseHeaders().add("content-type", "application/json");
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }
}

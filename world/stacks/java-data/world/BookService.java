package world;

import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.trace.Span;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** book-svc: the request's header says what goes wrong. */
final class BookService {
    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(System.getenv("OTEL_SERVICE_NAME"), 8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/orders", exchange -> {
            try (exchange) {
                int status = 201;
                try {
                    Failures.run(exchange.getRequestHeaders().getFirst("x-failure"));
                } catch (Throwable e) {
                    Span.current().recordException(e);
                    status = 500;
                }
                exchange.sendResponseHeaders(status, -1);
            }
        });
        server.start();
    }
}

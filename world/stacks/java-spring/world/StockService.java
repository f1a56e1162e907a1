package world;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** inventory-svc: answers as the caller's headers say. */
@EnableAutoConfiguration
@RestController
public class StockService {
    public static void main(String[] args) {
        System.setProperty("server.address", System.getenv("OTEL_SERVICE_NAME"));
        SpringApplication.run(StockService.class, args);
    }

    @GetMapping("/stock/{sku}")
    ResponseEntity<Object> stock(@PathVariable String sku, @RequestHeader(name = "x-answer", defaultValue = "200") int answer, @RequestHeader(name = "x-takes", defaultValue = "0") long takes, @RequestHeader(name = "x-body", defaultValue = "") String body, @RequestHeader(name = "x-fails", defaultValue = "") String fails) throws Exception {
        Thread.sleep(takes);
        if (fails.equals("null")) return ResponseEntity.ok(Map.of("n", quantity(null)));
        if (fails.equals("state")) throw new IllegalStateException("stock of " + sku + " was never counted");
        var answered = ResponseEntity.status(HttpStatus.valueOf(answer)).header("content-type", "application/json");
        if (answer == 429) answered.header("retry-after", "30");
        return answered.body(body.isEmpty() ? Map.of("sku", sku, "n", 4) : body);
    }

    /** Hands the request on to warehouse-svc, for which it waits as long as the caller says. */
    @GetMapping("/reservations/{sku}")
    Map<?, ?> reserve(@PathVariable String sku, @RequestHeader("x-takes") String takes, @RequestHeader("x-waits") int waits) {
        var factory = new SimpleClientHttpRequestFactory();
        factory.setReadTimeout(waits);
        return RestClient.builder().requestFactory(factory).build().get().uri("http://warehouse-svc:8080/stock/{sku}", sku).header("x-takes", takes).retrieve().body(Map.class);
    }

    private static int quantity(Map<String, Integer> stock) {
        return stock.get("n");
    }
}

package world;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** order-svc: the request's header says what goes wrong. */
@EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
@RestController
public class OrderService {
    public static void main(String[] args) {
        System.setProperty("server.address", System.getenv("OTEL_SERVICE_NAME"));
        SpringApplication.run(OrderService.class, args);
    }

    @GetMapping("/orders/{id}")
    Object order(@PathVariable long id, @RequestHeader("x-failure") String failure) throws Exception {
        return Failures.run(failure);
    }
}

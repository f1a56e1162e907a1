package world;

import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import io.github.resilience4j.timelimiter.TimeLimiter;
import java.io.FileOutputStream;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.springframework.context.ApplicationContext;
import org.springframework.http.HttpHeaders;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;

/** What order-svc does about an order, by the name of the failure. */
final class Failures {
    private static final String STOCK = "http://inventory-svc:8080/stock/{sku}";
    private final ApplicationContext context;
    private final RestClient rest = RestClient.builder().requestFactory(new JdkClientHttpRequestFactory(HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build())).build();
    private final WebClient reactive = WebClient.create();
    private byte[][] hoard;

    Failures(ApplicationContext context) {
        this.context = context;
    }

    Object run(String failure) throws Exception {
        if (failure.matches("(rest|web)-\\d+|ok-(rest|web)")) {
            var code = failure.replaceAll("\\D", "");
            var answer = code.isEmpty() ? "200" : code;
            return failure.contains("rest") ? stock(h -> h.add("x-answer", answer)) : stockReactive(h -> h.add("x-answer", answer));
        }
        Callable<?> work = switch (failure) {
            case "ok-slow" -> () -> waiting(1000).get().uri(STOCK, "a").header("x-takes", "150").retrieve().body(Map.class);
            case "ok-not-found-is-an-answer" -> this::maybeStock;
            case "ok-tls" -> () -> get(System.getenv("WORLD_TLS_GOOD") + "/rate");
            case "ok-three-services" -> () -> reserve(waiting(2000), "20", "1000");
            case "ok-rejected-order" -> () -> { throw new BadOrder("quantity must be positive"); };
            case "refused" -> () -> get("http://tax-svc:8080/rate");
            case "unknown-host" -> () -> get("http://tax-svc.prod:8080/rate");
            case "simple-unknown-host" -> () -> waiting(1000).get().uri("http://tax-svc.prod:8080/rate").retrieve().body(Map.class);
            case "simple-refused" -> () -> waiting(1000).get().uri("http://tax-svc:8080/rate").retrieve().body(Map.class);
            case "web-refused" -> () -> reactive.get().uri("http://tax-svc:8080/rate").retrieve().bodyToMono(Map.class).block();
            case "web-unknown-host" -> () -> reactive.get().uri("http://tax-svc.prod:8080/rate").retrieve().bodyToMono(Map.class).block();
            case "reset" -> () -> get(System.getenv("WORLD_BROKEN_RESET") + "/rate");
            case "hang-up" -> () -> get(System.getenv("WORLD_BROKEN_HANGUP") + "/rate");
            case "cut-body" -> () -> get(System.getenv("WORLD_BROKEN_CUT_LENGTH") + "/rate");
            case "not-http" -> () -> get(System.getenv("WORLD_BROKEN_NOT_HTTP") + "/rate");
            case "html" -> () -> get(System.getenv("WORLD_BROKEN_HTML") + "/rate");
            case "web-hang-up" -> () -> reactive.get().uri(System.getenv("WORLD_BROKEN_HANGUP") + "/rate").retrieve().bodyToMono(Map.class).block();
            case "web-cut-body" -> () -> reactive.get().uri(System.getenv("WORLD_BROKEN_CUT_LENGTH") + "/rate").retrieve().bodyToMono(Map.class).block();
            case "certificate-expired" -> () -> get(System.getenv("WORLD_TLS_EXPIRED") + "/rate");
            case "certificate-unknown-authority" -> () -> get(System.getenv("WORLD_TLS_UNKNOWN") + "/rate");
            case "certificate-wrong-host" -> () -> get(System.getenv("WORLD_TLS_OTHER_NAME") + "/rate");
            case "web-certificate-unknown-authority" -> () -> reactive.get().uri(System.getenv("WORLD_TLS_UNKNOWN") + "/rate").retrieve().bodyToMono(Map.class).block();
            case "read-timeout" -> () -> waiting(300).get().uri(STOCK, "a").header("x-takes", "900").retrieve().body(Map.class);
            case "jdk-timeout" -> () -> jdkWaiting(300).get().uri(STOCK, "a").header("x-takes", "900").retrieve().body(Map.class);
            case "silent" -> () -> waiting(300).get().uri(System.getenv("WORLD_BROKEN_SILENT") + "/rate").retrieve().body(Map.class);
            case "web-timeout" -> () -> reactive.get().uri(STOCK, "a").header("x-takes", "900").retrieve().bodyToMono(Map.class).timeout(Duration.ofMillis(300)).block();
            case "three-services-deepest-is-slow" -> () -> reserve(waiting(2000), "1200", "400");
            case "three-services-first-gives-up" -> () -> reserve(waiting(400), "1200", "5000");
            case "callee-null-pointer" -> () -> stock(h -> h.add("x-fails", "null"));
            case "callee-illegal-state" -> () -> stock(h -> h.add("x-fails", "state"));
            case "null-pointer" -> () -> ((Map<?, ?>) Map.of().get("customer")).size();
            case "number-format" -> () -> Integer.parseInt("12a");
            case "placeholder-missing" -> () -> context.getEnvironment().resolveRequiredPlaceholders("${tax.url}");
            case "bean-missing" -> () -> context.getBean(java.time.Clock.class);
            case "class-missing" -> () -> Class.forName("com.example.tax.TaxClient").getConstructor().newInstance();
            case "heap" -> this::heap;
            case "stack-overflow" -> () -> depth(0);
            case "disk-full" -> this::fullDisk;
            case "executor-full" -> this::fullExecutor;
            case "circuit-open" -> () -> { var breaker = CircuitBreaker.ofDefaults("inventory"); breaker.transitionToOpenState(); return breaker.executeCallable(() -> stock(h -> {})); };
            case "bulkhead-full" -> () -> { var bulkhead = Bulkhead.of("inventory", BulkheadConfig.custom().maxConcurrentCalls(1).build()); bulkhead.acquirePermission(); return bulkhead.executeCallable(() -> stock(h -> {})); };
            case "own-rate-limiter" -> () -> { var limiter = RateLimiter.of("inventory", RateLimiterConfig.custom().limitForPeriod(1).limitRefreshPeriod(Duration.ofHours(1)).timeoutDuration(Duration.ofMillis(50)).build()); limiter.acquirePermission(); return limiter.executeCallable(() -> stock(h -> {})); };
            case "time-limiter" -> () -> TimeLimiter.of(Duration.ofMillis(300)).executeFutureSupplier(() -> CompletableFuture.supplyAsync(() -> stock(h -> h.add("x-takes", "900"))));
            case "retries-used-up" -> () -> Retry.of("inventory", RetryConfig.custom().maxAttempts(12).waitDuration(Duration.ofMillis(20)).build()).executeCallable(() -> stock(h -> h.add("x-answer", "503")));
            case "n-plus-one" -> () -> { for (int i = 0; i < 30; i++) stock(h -> h.add("x-takes", "5")); return "done"; };
            default -> throw new IllegalArgumentException(failure);
        };
        return work.call();
    }

    private Object get(String url) {
        return rest.get().uri(url).retrieve().body(Map.class);
    }

    private Object stock(Consumer<HttpHeaders> headers) {
        return rest.get().uri(STOCK, "a").headers(headers).retrieve().body(Map.class);
    }

    private Object stockReactive(Consumer<HttpHeaders> headers) {
        return reactive.get().uri(STOCK, "a").headers(headers).retrieve().bodyToMono(Map.class).block();
    }

    private Object maybeStock() {
        try {
            return stock(h -> h.add("x-answer", "404"));
        } catch (HttpClientErrorException.NotFound none) {
            return Map.of("n", 0);
        }
    }

    /** A client over HttpURLConnection that waits so many milliseconds. */
    private static RestClient waiting(int limit) {
        var factory = new SimpleClientHttpRequestFactory();
        factory.setConnectTimeout(700);
        factory.setReadTimeout(limit);
        return RestClient.builder().requestFactory(factory).build();
    }

    private static RestClient jdkWaiting(int limit) {
        var factory = new JdkClientHttpRequestFactory();
        factory.setReadTimeout(Duration.ofMillis(limit));
        return RestClient.builder().requestFactory(factory).build();
    }

    private static Object reserve(RestClient client, String takes, String waits) {
        return client.get().uri("http://inventory-svc:8080/reservations/{sku}", "a").header("x-takes", takes).header("x-waits", waits).retrieve().body(Map.class);
    }

    private Object heap() {
        try {
            hoard = new byte[64][];
            for (int i = 0; i < hoard.length; i++) hoard[i] = new byte[32 << 20];
            return hoard.length;
        } finally {
            hoard = null;
        }
    }

    private static int depth(int of) {
        return depth(of + 1) + 1;
    }

    private Object fullDisk() throws Exception {
        try (var invoice = new FileOutputStream("/dev/full")) {
            invoice.write("invoice 17".getBytes());
        }
        return "written";
    }

    private Object fullExecutor() throws Exception {
        var release = new CountDownLatch(1);
        var executor = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(1));
        try {
            Callable<?> waits = () -> { release.await(); return null; };
            executor.submit(waits);
            executor.submit(waits);
            return executor.submit(() -> stock(h -> {})).get();
        } finally {
            release.countDown();
            executor.shutdown();
        }
    }

    /** What the customer did wrong: order-svc answers 400. */
    @org.springframework.web.bind.annotation.ResponseStatus(org.springframework.http.HttpStatus.BAD_REQUEST)
    static final class BadOrder extends RuntimeException {
        BadOrder(String message) {
            super(message);
        }
    }
}

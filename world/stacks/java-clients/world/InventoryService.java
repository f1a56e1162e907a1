package world;

import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/** inventory-svc: the health service of gRPC, which needs no generated code, answers as the caller's name for it says. */
final class InventoryService extends HealthGrpc.HealthImplBase {
    private final Map<String, Integer> stock = new HashMap<>();

    public static void main(String[] args) throws Exception {
        NettyServerBuilder.forAddress(new InetSocketAddress(System.getenv("OTEL_SERVICE_NAME"), 8080)).addService(new InventoryService()).build().start().awaitTermination();
    }

    @Override
    public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> answer) {
        switch (request.getService()) {
            case "slow" -> pause(900);
            case "null" -> stock.put("a", stock.get("a") + 1);
            case "draining" -> { answer.onError(Status.UNAVAILABLE.withDescription("draining for a deployment").asRuntimeException()); return; }
            case "rate" -> { answer.onError(Status.RESOURCE_EXHAUSTED.withDescription("rate limit of 100 requests per second exceeded").asRuntimeException()); return; }
            case "token" -> { answer.onError(Status.UNAUTHENTICATED.withDescription("token has expired").asRuntimeException()); return; }
            case "missing" -> { answer.onError(Status.NOT_FOUND.withDescription("article zzz does not exist").asRuntimeException()); return; }
            case "wrong" -> { answer.onError(Status.INVALID_ARGUMENT.withDescription("quantity must be positive, got -3").asRuntimeException()); return; }
            default -> { }
        }
        answer.onNext(HealthCheckResponse.newBuilder().setStatus(HealthCheckResponse.ServingStatus.SERVING).build());
        answer.onCompleted();
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

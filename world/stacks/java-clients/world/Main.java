package world;

/** order-svc, over the JDK's own server, uses one client library after another; inventory-svc speaks gRPC. */
public final class Main {
    public static void main(String[] failures) throws Exception {
        Launcher.run(failures, new Launcher.Service("order-svc", OrderService.class), new Launcher.Service("inventory-svc", InventoryService.class));
    }
}

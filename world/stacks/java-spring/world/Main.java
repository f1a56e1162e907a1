package world;

/** order-svc asks inventory-svc, which may ask warehouse-svc: two Spring Boot services and one over the JDK server. */
public final class Main {
    public static void main(String[] failures) throws Exception {
        Launcher.run(failures, new Launcher.Service("order-svc", OrderService.class), new Launcher.Service("inventory-svc", StockService.class), new Launcher.Service("warehouse-svc", WarehouseService.class));
    }
}

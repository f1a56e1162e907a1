package world;

/** order-svc writes orders to PostgreSQL. */
public final class Main {
    public static void main(String[] failures) throws Exception {
        Launcher.run(failures, new Launcher.Service("order-svc", OrderService.class));
    }
}

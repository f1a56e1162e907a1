package world;

/** book-svc keeps books in databases and queues, over the JDK's own server. */
public final class Main {
    public static void main(String[] failures) throws Exception {
        Launcher.run(failures, new Launcher.Service("book-svc", BookService.class));
    }
}

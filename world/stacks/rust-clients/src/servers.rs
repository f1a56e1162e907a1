//! What quote-api calls: rates, which has no spans here, answers each path with one fault; its gRPC health service.
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"rate\":1.1}";

pub async fn start(failure: &str) {
    let listener = TcpListener::bind("rates:8080").await.expect("rates:8080");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = socket.read(&mut head).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or("/");
                let answer = match path {
                    "/slow" => {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        OK.to_owned()
                    }
                    "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"rate\":".to_owned(),
                    "/hang-up" => String::new(),
                    "/html" => "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_owned(),
                    "/500" => answer("500 Internal Server Error"),
                    "/503" => answer("503 Service Unavailable"),
                    "/429" => answer("429 Too Many Requests"),
                    "/401" => answer("401 Unauthorized"),
                    _ => OK.to_owned(),
                };
                drop(socket.write_all(answer.as_bytes()).await);
            });
        }
    });
    if failure.starts_with("grpc") {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("rates", tonic_health::ServingStatus::Serving).await;
        let address = tokio::net::lookup_host("rates:50051").await.unwrap().next().unwrap();
        tokio::spawn(tonic::transport::Server::builder().add_service(health).serve(address));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn answer(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
}

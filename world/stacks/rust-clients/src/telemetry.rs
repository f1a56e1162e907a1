//! OpenTelemetry as most Rust programs have it: spans of `tracing`, exported by tracing-opentelemetry.
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

pub fn start() -> SdkTracerProvider {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build().expect("an exporter");
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("quote-api").build())
        .with_batch_exporter(exporter)
        .build();
    tracing_subscriber::registry()
        .with(
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("quote-api"))
                .with_filter(tracing_subscriber::filter::filter_fn(|meta| meta.target().starts_with("rust_clients"))),
        )
        .init();
    provider
}

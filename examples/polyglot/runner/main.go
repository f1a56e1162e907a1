// A runner in Go: one execution, which asks the router, traced over OTLP.
//
// Usage: runner <address of the router> <execution id>. Settings: OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_PROTOCOL (grpc or http/protobuf).
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func exporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "http/protobuf" {
		return otlptracehttp.New(ctx)
	}
	return otlptracegrpc.New(ctx)
}

func run(ctx context.Context, router string, execution string) error {
	exp, err := exporter(ctx)
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exp),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "go-runner"))),
	)
	// Shutting down sends what waits; only then may the program end.
	defer provider.Shutdown(ctx)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	tracer := provider.Tracer("polyglot.runner", trace.WithInstrumentationVersion("1.0.0"))

	id, err := strconv.ParseInt(execution, 10, 64)
	if err != nil {
		return err
	}
	members := []baggage.Member{}
	for key, value := range map[string]string{
		"beacon.execution_id": execution, "beacon.job_id": "polyglot", "beacon.region": "eu-west",
	} {
		member, err := baggage.NewMember(key, value)
		if err != nil {
			return err
		}
		members = append(members, member)
	}
	bag, err := baggage.New(members...)
	if err != nil {
		return err
	}
	ctx = baggage.ContextWithBaggage(ctx, bag)
	columns := trace.WithAttributes(
		attribute.Int64("beacon.execution_id", id), attribute.String("beacon.job_id", "polyglot"),
		attribute.String("beacon.region", "eu-west"),
	)
	ctx, root := tracer.Start(ctx, "execution.run", trace.WithSpanKind(trace.SpanKindConsumer), columns)
	defer root.End()
	if err := ask(ctx, tracer, router, columns); err != nil {
		root.RecordError(err)
		root.SetStatus(codes.Error, err.Error())
		return err
	}
	return nil
}

func ask(ctx context.Context, tracer trace.Tracer, router string, columns trace.SpanStartOption) error {
	ctx, span := tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient), columns,
		trace.WithAttributes(attribute.String("http.request.method", "POST"), attribute.String("url.full", router)))
	defer span.End()
	body := []byte(`{"model":"llama-3.2-1b","messages":[{"role":"user","content":"What is 2+2?"}]}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, router, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/json")
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the router answered %d: %s", response.StatusCode, answer)
	}
	fmt.Println(string(answer))
	return nil
}

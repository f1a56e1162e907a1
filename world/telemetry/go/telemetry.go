// Package telemetry gives each service of a recorded program its own OpenTelemetry SDK, set up as the SDK's
// documentation does, and runs the failure named on the command line.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

var providers []*trace.TracerProvider

// Service returns the tracer provider of one service. OTEL_EXPORTER_OTLP_ENDPOINT says where its spans go.
func Service(name string) *trace.TracerProvider {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	must(err)
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessRuntimeName(), resource.WithProcessRuntimeVersion(),
		resource.WithAttributes(attribute.String("service.name", name), attribute.String("service.version", "1.4.2")))
	must(err)
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter, trace.WithBatchTimeout(200*time.Millisecond)), trace.WithResource(about))
	providers = append(providers, provider)
	return provider
}

// Main runs the failure that os.Args[1] names, waits for the services to end their spans and sends them.
func Main(failures map[string]func(context.Context)) {
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	ids := make([]string, 0, len(failures))
	for id := range failures {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if len(os.Args) != 2 || failures[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: %s <failure>, one of %v\n", os.Args[0], ids)
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	failures[os.Args[1]](ctx)
	var failed error
	for _, provider := range providers {
		failed = errors.Join(failed, provider.Shutdown(ctx))
	}
	must(failed)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

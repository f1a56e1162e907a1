package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"beacon.test/world/telemetry"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// dial gives up early, so that a run is short.
var dial = (&net.Dialer{Timeout: 700 * time.Millisecond}).DialContext

// service is one traced process: a server and the client it calls others with.
type service struct {
	provider trace.TracerProvider
	client   *http.Client
	tracer   trace.Tracer
}

func newService(name string) *service {
	provider := telemetry.Service(name)
	return &service{provider: provider, tracer: provider.Tracer("ledger/app"), client: newClient(provider, &http.Transport{DialContext: dial})}
}

func newClient(provider trace.TracerProvider, transport *http.Transport) *http.Client {
	return &http.Client{Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(provider))}
}

// listen serves a route at a host, traced as otelhttp's documentation does.
func (s *service) listen(host, route string, handler http.HandlerFunc) io.Closer {
	mux := http.NewServeMux()
	mux.Handle(route, handler)
	return untraced(host, otelhttp.NewHandler(mux, route, otelhttp.WithTracerProvider(s.provider)))
}

// untraced serves a host that leaves no spans of its own: somebody else's API.
func untraced(host string, handler http.Handler) io.Closer {
	listener, err := net.Listen("tcp", host)
	if err != nil {
		panic(err)
	}
	return serve(listener, handler)
}

// serve ends when it is closed and every request was answered.
func serve(listener net.Listener, handler http.Handler) io.Closer {
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	return closer(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	})
}

type closer func() error

func (c closer) Close() error { return c() }

// get calls a URL and reads the whole answer.
func (s *service) get(ctx context.Context, url string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// visit is the customer: a request without a trace that waits for the answer.
func visit(ctx context.Context, host, path string) {
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		panic(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

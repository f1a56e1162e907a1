// go-grpc: checkout asks inventory over gRPC, inventory asks warehouse; all traced by otelgrpc's stats handlers. The methods are
// those of the health service, which needs no generated code: what matters here is what happens on the way.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"beacon.test/world/telemetry"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	inventory = "inventory:50051"
	warehouse = "warehouse:50051"
)

type answer func(ctx context.Context) error

// server answers each call of the health service as its field says.
type server struct {
	grpc_health_v1.UnimplementedHealthServer
	answer answer
	items  int
}

func (s *server) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (s *server) Watch(_ *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	for range s.items {
		if err := stream.Send(&grpc_health_v1.HealthCheckResponse{}); err != nil {
			return err
		}
	}
	return s.answer(stream.Context())
}

func serve(provider *trace.TracerProvider, at string, handler grpc_health_v1.HealthServer, options ...grpc.ServerOption) *grpc.Server {
	listener, err := net.Listen("tcp", at)
	must(err)
	made := grpc.NewServer(append(options, grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(provider))))...)
	grpc_health_v1.RegisterHealthServer(made, handler)
	go func() { _ = made.Serve(listener) }()
	return made
}

func dial(provider *trace.TracerProvider, to string, options ...grpc.DialOption) *grpc.ClientConn {
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(provider)))}, options...)
	conn, err := grpc.NewClient(to, options...)
	must(err)
	return conn
}

// order is a request to checkout: work fails, so does it.
func order(ctx context.Context, provider *trace.TracerProvider, work func(context.Context) error) {
	ctx, span := provider.Tracer("checkout/http").Start(ctx, "POST /orders", oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(attribute.String("http.request.method", "POST"), attribute.String("http.route", "/orders")))
	defer span.End()
	code := http.StatusCreated
	if err := work(ctx); err != nil {
		code = http.StatusInternalServerError
		span.RecordError(err)
		span.SetStatus(otelcodes.Error, err.Error())
	}
	span.SetAttributes(attribute.Int("http.response.status_code", code))
}

func check(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err
}

func watch(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// called runs one call to an inventory that answers so.
func called(answered answer, call func(context.Context, *grpc.ClientConn) error) func(context.Context) {
	return func(ctx context.Context) {
		s := serve(telemetry.Service("inventory"), inventory, &server{answer: answered, items: 3})
		defer s.GracefulStop()
		asking(inventory, call)(ctx)
	}
}

// asking runs one call to whatever is at that address.
func asking(at string, call func(context.Context, *grpc.ClientConn) error, options ...grpc.DialOption) func(context.Context) {
	return func(ctx context.Context) {
		provider := telemetry.Service("checkout")
		conn := dial(provider, at, options...)
		defer conn.Close()
		order(ctx, provider, func(ctx context.Context) error { return call(ctx, conn) })
	}
}

func says(code codes.Code, message string) answer {
	return func(context.Context) error { return status.Error(code, message) }
}

func fine(context.Context) error { return nil }

func within(limit time.Duration, call func(context.Context, *grpc.ClientConn) error) func(context.Context, *grpc.ClientConn) error {
	return func(ctx context.Context, conn *grpc.ClientConn) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return call(ctx, conn)
	}
}

func takes(long time.Duration) answer {
	return func(context.Context) error { time.Sleep(long); return nil }
}

func main() {
	telemetry.Main(map[string]func(context.Context){
		"ok": called(fine, check), "ok-stream": called(fine, watch), "ok-within-deadline": called(takes(80*time.Millisecond), within(time.Second, check)),
		"ok-not-found-is-an-answer": called(says(codes.NotFound, "no stock of a"), func(ctx context.Context, conn *grpc.ClientConn) error {
			if err := check(ctx, conn); status.Code(err) != codes.NotFound {
				return err
			}
			return nil
		}),
		"ok-three-services":  throughInventory(fine, time.Second, time.Second),
		"invalid-argument":   called(says(codes.InvalidArgument, "quantity must be positive, got -3"), check),
		"not-found":          called(says(codes.NotFound, "article zzz does not exist"), check),
		"already-exists":     called(says(codes.AlreadyExists, "reservation 17 exists"), check),
		"permission-denied":  called(says(codes.PermissionDenied, "caller checkout lacks role stock.writer"), check),
		"unauthenticated":    called(says(codes.Unauthenticated, "token has expired"), check),
		"resource-exhausted": called(says(codes.ResourceExhausted, "rate limit of 100 requests per second exceeded"), check),
		"quota-with-details": called(quota, check), "failed-precondition": called(says(codes.FailedPrecondition, "article a is blocked by stock-taking"), check),
		"aborted": called(says(codes.Aborted, "transaction conflict, try again"), check), "out-of-range": called(says(codes.OutOfRange, "page 99 of 3"), check),
		"internal": called(says(codes.Internal, "index of stock is corrupt"), check), "data-loss": called(says(codes.DataLoss, "checksum of segment 12 is wrong"), check),
		"unavailable-said-by-server": called(says(codes.Unavailable, "draining for a deployment"), check), "unknown-from-a-plain-error": called(func(context.Context) error { return errors.New("stock ledger: negative balance for a") }, check),
		"unimplemented": called(fine, func(ctx context.Context, conn *grpc.ClientConn) error {
			return conn.Invoke(ctx, "/stock.v2.Inventory/Reserve", &grpc_health_v1.HealthCheckRequest{}, &grpc_health_v1.HealthCheckResponse{})
		}),
		"deadline-exceeded":      called(takes(900*time.Millisecond), within(300*time.Millisecond, check)),
		"deadline-deep":          throughInventory(takes(900*time.Millisecond), 400*time.Millisecond, 2*time.Second),
		"deadline-of-the-middle": throughInventory(takes(900*time.Millisecond), 2*time.Second, 300*time.Millisecond),

		"customer-leaves": called(untilCancelled, func(ctx context.Context, conn *grpc.ClientConn) error { return check(cancelledSoon(ctx), conn) }),
		"refused":         asking(inventory, check), "no-such-host": asking("dns:///inventory.prod:50051", check), "wait-for-ready-never-comes": asking(inventory, within(300*time.Millisecond, check), grpc.WithDefaultCallOptions(grpc.WaitForReady(true))),
		"unknown-authority": overTLS(asking(inventory, check, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{})))), "plain-client-tls-server": overTLS(asking(inventory, check)),
		"tls-client-plain-server": besidePlain(asking(inventory, check, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))),
		"http-404-from-a-proxy":   behindProxy(http.StatusNotFound), "http-503-from-a-proxy": behindProxy(http.StatusServiceUnavailable), "http-502-from-a-proxy": behindProxy(http.StatusBadGateway),
		"message-too-large": asks(&server{answer: fine}, func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: strings.Repeat("x", 5<<20)})
			return err
		}),
		"server-dies-in-the-call": dies, "stream-breaks-off": called(says(codes.Unavailable, "shard 3 moved"), watch), "max-age-then-gone": asks(&server{answer: takes(700 * time.Millisecond)}, check, grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 50 * time.Millisecond, MaxConnectionAgeGrace: 100 * time.Millisecond})),
		"panic": asks(&server{answer: func(context.Context) error { var stock map[string]int; stock["a"]++; return nil }}, check, grpc.UnaryInterceptor(recovering)),
	})
}

func quota(context.Context) error {
	made, err := status.New(codes.ResourceExhausted, "quota of project 17 for reservations is used up").WithDetails(
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "project:17", Description: "10000 reservations a day"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	must(err)
	return made.Err()
}

// recovering turns a panic into a status, as go-grpc-middleware does.
func recovering(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (res any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = status.Errorf(codes.Internal, "panic: %v", cause)
		}
	}()
	return handler(ctx, req)
}

func untilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

func cancelledSoon(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	return ctx
}

// throughInventory: checkout waits outer for inventory, which waits inner for warehouse.
func throughInventory(deep answer, outer, inner time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		w := serve(telemetry.Service("warehouse"), warehouse, &server{answer: deep})
		defer w.GracefulStop()
		middle := telemetry.Service("inventory")
		conn := dial(middle, warehouse)
		defer conn.Close()
		i := serve(middle, inventory, &server{answer: func(ctx context.Context) error { return within(inner, check)(ctx, conn) }})
		defer i.GracefulStop()
		asking(inventory, within(outer, check))(ctx)
	}
}

func asks(handler *server, call func(context.Context, *grpc.ClientConn) error, options ...grpc.ServerOption) func(context.Context) {
	return func(ctx context.Context) {
		s := serve(telemetry.Service("inventory"), inventory, handler, options...)
		defer s.GracefulStop()
		asking(inventory, call)(ctx)
	}
}

func besidePlain(then func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		s := serve(telemetry.Service("inventory"), inventory, &server{answer: fine})
		defer s.Stop()
		then(ctx)
	}
}

func overTLS(then func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		s := serve(telemetry.Service("inventory"), inventory, &server{answer: fine}, grpc.Creds(credentials.NewServerTLSFromCert(selfSigned("inventory"))))
		defer s.Stop()
		then(ctx)
	}
}

// behindProxy: a proxy that speaks HTTP/2 answers itself.
func behindProxy(code int) func(context.Context) {
	return func(ctx context.Context) {
		listener, err := net.Listen("tcp", inventory)
		must(err)
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		proxy := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, fmt.Sprintf("%d %s", code, http.StatusText(code)), code)
		})}
		go func() { _ = proxy.Serve(listener) }()
		defer proxy.Close()
		asking(inventory, check)(ctx)
	}
}

// dies: inventory goes away while it works.
func dies(ctx context.Context) {
	provider := telemetry.Service("inventory")
	var s *grpc.Server
	s = serve(provider, inventory, &server{answer: func(ctx context.Context) error {
		go s.Stop()
		<-ctx.Done()
		return ctx.Err()
	}})
	asking(inventory, check)(ctx)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// go-http: ledger-api asks fx-rates (and others) over net/http, both traced by otelhttp. Each failure is made by the real
// library; only who answers is ours.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"beacon.test/world/telemetry"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const (
	ledger  = "ledger-api:8080"
	rates   = "fx-rates:8080"
	source  = "fx-source:8080"
	balance = "GET /balance/{id}"
)

func main() {
	telemetry.Main(map[string]func(context.Context){
		"ok": answered(200, `{"EUR":1.08}`), "ok-404-is-an-answer": notFoundIsFine, "ok-one-retry": oneRetry, "ok-slow-within-limit": slow(150*time.Millisecond, time.Second),
		"ok-tls": overTLS(trusted), "ok-three-levels": threeLevels(20*time.Millisecond, 900*time.Millisecond, 700*time.Millisecond), "ok-own-400": own400,
		"refused": calling("http://" + rates + "/rates"), "no-such-host": calling("http://fx-rates.prod:8080/rates"), "name-server-fails": calling("http://fx-rates.broken:8080/rates"), "name-server-silent": calling("http://fx-rates.slow:8080/rates"), "connect-timeout": blackHole, "reset": reset, "eof": hangUp, "eof-in-mid-body": cutBody,
		"certificate-expired": overTLS(expired), "certificate-unknown-authority": overTLS(unknownAuthority), "certificate-self-signed": overTLS(selfSigned), "certificate-wrong-host": overTLS(wrongHost),
		"http-on-a-tls-client": plainOnTLS, "scheme-missing": calling("/rates"),
		"deadline-exceeded": slow(900*time.Millisecond, 300*time.Millisecond), "client-timeout": clientTimeout, "client-timeout-reading-body": slowBody,
		"three-levels-deepest-is-slow": threeLevels(1200*time.Millisecond, 600*time.Millisecond, 400*time.Millisecond), "three-levels-first-gives-up": threeLevels(900*time.Millisecond, 350*time.Millisecond, 2*time.Second),
		"context-canceled": customerLeaves, "sibling-failed": siblingFails,
		"400": answered(400, `{"error":"currency must have three letters"}`), "401": answered(401, `{"error":"token expired"}`), "403": answered(403, `{"error":"scope rates:read missing"}`), "404": answered(404, "404 page not found\n"),
		"413": answered(413, "request body too large"), "429": answered(429, `{"error":"rate limit exceeded"}`), "500": answered(500, "internal error"), "503": answered(503, "no healthy upstream"),
		"502-from-an-untraced-middle": untracedMiddle, "answer-is-html": answered(200, "<html><body>Sign in</body></html>"),
		"panic": panics, "panic-recovered": panicRecovered, "redirect-loop": redirects, "open-files": openFiles, "disk-full": diskFull, "setting-missing": settingMissing,
		"retry-storm": retryStorm, "circuit-open": circuitOpen, "own-limiter": ownLimiter, "n-plus-one": loop,
	})
}

// balanceOf is ledger-api's handler: 502 to its client whenever fx-rates cannot be used, as Go's own reverse proxy does.
func balanceOf(s *service, url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		res, body, err := s.get(r.Context(), url)
		if err == nil && res.StatusCode >= 400 {
			err = fmt.Errorf("GET %s: %s: %s", url, res.Status, body)
		}
		known := map[string]float64{}
		if err == nil {
			err = json.Unmarshal(body, &known)
		}
		if err != nil {
			span := trace.SpanFromContext(r.Context())
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			http.Error(w, "no rates", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"balance":%f}`, 100*known["EUR"])
	}
}

func calling(url string) func(context.Context) {
	return func(ctx context.Context) {
		s := newService("ledger-api")
		defer s.listen(ledger, balance, balanceOf(s, url)).Close()
		visit(ctx, ledger, "/balance/17")
	}
}

// answered lets fx-rates answer with this status and body.
func answered(status int, body string) func(context.Context) {
	return func(ctx context.Context) {
		r := newService("fx-rates")
		defer r.listen(rates, "GET /rates", func(w http.ResponseWriter, _ *http.Request) {
			if status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", "30")
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}).Close()
		calling("http://" + rates + "/rates")(ctx)
	}
}

func own400(ctx context.Context) {
	s := newService("ledger-api")
	defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "id must be a number", http.StatusBadRequest)
	}).Close()
	visit(ctx, ledger, "/balance/x")
}

func notFoundIsFine(ctx context.Context) {
	s, r := newService("ledger-api"), newService("fx-rates")
	defer r.listen(rates, "GET /rates", http.NotFound).Close()
	defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) {
		if res, _, err := s.get(r.Context(), "http://"+rates+"/rates"); err == nil && res.StatusCode == http.StatusNotFound {
			fmt.Fprint(w, `{"balance":100}`)
		}
	}).Close()
	visit(ctx, ledger, "/balance/17")
}

func panics(ctx context.Context) {
	s := newService("ledger-api")
	defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, at(nil, 3)) }).Close()
	visit(ctx, ledger, "/balance/17")
}

func panicRecovered(ctx context.Context) {
	s := newService("ledger-api")
	defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				trace.SpanFromContext(r.Context()).RecordError(fmt.Errorf("panic: %v", cause), trace.WithStackTrace(true))
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		fmt.Fprint(w, at([]float64{1, 2, 3}, 3))
	}).Close()
	visit(ctx, ledger, "/balance/17")
}

func at(values []float64, i int) float64 { return values[i] }

func diskFull(ctx context.Context) {
	s := newService("ledger-api")
	defer s.listen(ledger, balance, s.failingIn("write statement", func(context.Context) error {
		file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("balance 100\n")
		return err
	})).Close()
	visit(ctx, ledger, "/balance/17")
}

func settingMissing(ctx context.Context) {
	s := newService("ledger-api")
	defer s.listen(ledger, balance, s.failingIn("load settings", func(context.Context) error {
		if os.Getenv("FX_RATES_URL") == "" {
			return fmt.Errorf("required environment variable FX_RATES_URL is not set")
		}
		return nil
	})).Close()
	visit(ctx, ledger, "/balance/17")
}

// failingIn runs work in a span of its own and answers 500 when it fails.
func (s *service) failingIn(operation string, work func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, span := s.tracer.Start(r.Context(), operation)
		defer span.End()
		if err := work(ctx); err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	}
}

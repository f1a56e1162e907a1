package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/sony/gobreaker/v2"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// work takes its time, and stops when the caller has gone only if it cares for it.
func work(r *http.Request, takes time.Duration, cares bool) {
	if !cares {
		time.Sleep(takes)
		return
	}
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
	}
}

func slowRates(takes time.Duration) io.Closer {
	return newService("fx-rates").listen(rates, "GET /rates", func(w http.ResponseWriter, req *http.Request) {
		work(req, takes, false)
		fmt.Fprint(w, `{"EUR":1.08}`)
	})
}

// slow lets fx-rates take its time while ledger-api waits no longer than the limit.
func slow(takes, limit time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		defer slowRates(takes).Close()
		s := newService("ledger-api")
		next := balanceOf(s, "http://"+rates+"/rates")
		defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) {
			limited, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			next(w, r.WithContext(limited))
		}).Close()
		visit(ctx, ledger, "/balance/17")
	}
}

func clientTimeout(ctx context.Context) {
	defer slowRates(900 * time.Millisecond).Close()
	s := newService("ledger-api")
	s.client.Timeout = 300 * time.Millisecond
	defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
	visit(ctx, ledger, "/balance/17")
}

// slowBody sends the headers at once and the body too late.
func slowBody(ctx context.Context) {
	r := newService("fx-rates")
	defer r.listen(rates, "GET /rates", func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		work(req, 900*time.Millisecond, false)
		fmt.Fprint(w, `{"EUR":1.08}`)
	}).Close()
	s := newService("ledger-api")
	s.client.Timeout = 300 * time.Millisecond
	defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
	visit(ctx, ledger, "/balance/17")
}

// threeLevels: shop-bff asks ledger-api, which asks fx-rates, which asks fx-source. fx-source takes its time; fx-rates waits for
// it no longer than innerLimit, shop-bff for all of it no longer than outerLimit.
func threeLevels(takes, outerLimit, innerLimit time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		deep, r, s, bff := newService("fx-source"), newService("fx-rates"), newService("ledger-api"), newService("shop-bff")
		defer deep.listen(source, "GET /all", func(w http.ResponseWriter, req *http.Request) {
			work(req, takes, false)
			fmt.Fprint(w, `{"EUR":1.08}`)
		}).Close()
		r.client.Timeout, bff.client.Timeout = innerLimit, outerLimit
		defer r.listen(rates, "GET /rates", balanceOf(r, "http://"+source+"/all")).Close()
		defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
		defer bff.listen("shop-bff:8080", "GET /account", balanceOf(bff, "http://"+ledger+"/balance/17")).Close()
		visit(ctx, "shop-bff:8080", "/account")
	}
}

// customerLeaves: the customer closes the connection while fx-rates still works.
func customerLeaves(ctx context.Context) {
	r, s := newService("fx-rates"), newService("ledger-api")
	defer r.listen(rates, "GET /rates", func(w http.ResponseWriter, req *http.Request) { work(req, 5*time.Second, true) }).Close()
	defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
	impatient, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	visit(impatient, ledger, "/balance/17")
}

// siblingFails: two calls run side by side; the first fails and errgroup cancels the second.
func siblingFails(ctx context.Context) {
	r, limits, s := newService("fx-rates"), newService("limits"), newService("ledger-api")
	defer r.listen(rates, "GET /rates", func(w http.ResponseWriter, req *http.Request) { work(req, 5*time.Second, true) }).Close()
	defer limits.listen("limits:8080", "GET /limits", func(w http.ResponseWriter, req *http.Request) {
		work(req, 80*time.Millisecond, false)
		trace.SpanFromContext(req.Context()).RecordError(errors.New("limits table is empty"))
		http.Error(w, "limits table is empty", http.StatusInternalServerError)
	}).Close()
	defer s.listen(ledger, balance, func(w http.ResponseWriter, req *http.Request) {
		group, ctx := errgroup.WithContext(req.Context())
		for _, url := range []string{"http://" + rates + "/rates", "http://limits:8080/limits"} {
			group.Go(func() error {
				res, body, err := s.get(ctx, url)
				if err == nil && res.StatusCode >= 500 {
					err = fmt.Errorf("%s: %s", res.Status, body)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}).Close()
	visit(ctx, ledger, "/balance/17")
}

// untracedMiddle: a gateway without spans stands between, and its upstream is down.
func untracedMiddle(ctx context.Context) {
	defer untraced("gateway.example:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "upstream connect error or disconnect/reset before headers")
	})).Close()
	calling("http://gateway.example/rates")(ctx)
}

func redirects(ctx context.Context) {
	defer untraced("gateway.example:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://gateway.example/login", http.StatusFound)
	})).Close()
	calling("http://gateway.example/rates")(ctx)
}

// openFiles: the process may open no further file, so that no further call can be made.
func openFiles(ctx context.Context) {
	s := newService("ledger-api")
	next := balanceOf(s, "http://"+rates+"/rates")
	defer s.listen(ledger, balance, func(w http.ResponseWriter, r *http.Request) {
		var before syscall.Rlimit
		_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before)
		open, _ := filepath.Glob("/proc/self/fd/*")
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(len(open)), Max: before.Max})
		var held []*os.File
		for {
			file, err := os.Open("/dev/null")
			if err != nil {
				break
			}
			held = append(held, file)
		}
		next(w, r)
		for _, file := range held {
			file.Close()
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	}).Close()
	visit(ctx, ledger, "/balance/17")
}

func flaky(failures int, status int) io.Closer {
	r := newService("fx-rates")
	n := 0
	return r.listen(rates, "GET /rates", func(w http.ResponseWriter, _ *http.Request) {
		if n++; n <= failures {
			http.Error(w, "try again later", status)
			return
		}
		fmt.Fprint(w, `{"EUR":1.08}`)
	})
}

func (s *service) retrying(most int, pause time.Duration) {
	client := retryablehttp.NewClient()
	client.HTTPClient = &http.Client{Transport: otelhttp.NewTransport(&http.Transport{DialContext: dial}, otelhttp.WithTracerProvider(s.provider))}
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax, client.Logger = most, pause, pause, nil
	s.client = client.StandardClient()
}

func retryStorm(ctx context.Context) {
	defer flaky(1000, http.StatusServiceUnavailable).Close()
	s := newService("ledger-api")
	s.retrying(14, 10*time.Millisecond)
	defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
	visit(ctx, ledger, "/balance/17")
}

func oneRetry(ctx context.Context) {
	defer flaky(1, http.StatusServiceUnavailable).Close()
	s := newService("ledger-api")
	s.retrying(3, 150*time.Millisecond)
	defer s.listen(ledger, balance, balanceOf(s, "http://"+rates+"/rates")).Close()
	visit(ctx, ledger, "/balance/17")
}

func circuitOpen(ctx context.Context) {
	s := newService("ledger-api")
	breaker := gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{Name: "fx-rates"})
	for range 6 {
		_, _ = breaker.Execute(func() (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} })
	}
	defer s.listen(ledger, balance, s.failingIn("ask fx-rates", func(ctx context.Context) error {
		_, err := breaker.Execute(func() (*http.Response, error) {
			res, _, err := s.get(ctx, "http://"+rates+"/rates")
			return res, err
		})
		return err
	})).Close()
	visit(ctx, ledger, "/balance/17")
}

// ownLimiter: ledger-api keeps to a rate of its own and may not call within the time it has.
func ownLimiter(ctx context.Context) {
	s := newService("ledger-api")
	limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
	limiter.Allow()
	defer s.listen(ledger, balance, s.failingIn("ask fx-rates", func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return limiter.Wait(limited)
	})).Close()
	visit(ctx, ledger, "/balance/17")
}

// loop asks for each currency by itself, one after another.
func loop(ctx context.Context) {
	r, s := newService("fx-rates"), newService("ledger-api")
	defer r.listen(rates, "GET /rates", func(w http.ResponseWriter, req *http.Request) {
		work(req, 12*time.Millisecond, false)
		fmt.Fprint(w, `{"EUR":1.08}`)
	}).Close()
	defer s.listen(ledger, balance, func(w http.ResponseWriter, req *http.Request) {
		for range 30 {
			if _, _, err := s.get(req.Context(), "http://"+rates+"/rates"); err != nil {
				trace.SpanFromContext(req.Context()).SetStatus(codes.Error, err.Error())
			}
		}
		fmt.Fprint(w, "{}")
	}).Close()
	visit(ctx, ledger, "/balance/17")
}

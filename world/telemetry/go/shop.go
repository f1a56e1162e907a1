package telemetry

import (
	"context"
	"net/url"
	"os"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Setup makes the tables of the shop anew.
const Setup = `
drop schema if exists shop cascade;
create schema shop;
create table shop.stock (sku text primary key, n integer not null check (n >= 0));
create table shop.orders (id integer primary key, sku text not null references shop.stock, n integer not null, note varchar(20));
insert into shop.stock values ('a', 10), ('b', 10);
insert into shop.orders values (1, 'a', 1, 'first')`

// Database is the URL of the database that the variable names, changed so.
func Database(variable string, changes ...func(*url.URL)) string {
	at, err := url.Parse(os.Getenv(variable))
	must(err)
	for _, change := range append([]func(*url.URL){With("search_path", "shop"), With("sslmode", "disable")}, changes...) {
		change(at)
	}
	return at.String()
}

// With sets a parameter of a database's URL.
func With(key, value string) func(*url.URL) {
	return func(at *url.URL) {
		query := at.Query()
		query.Set(key, value)
		at.RawQuery = query.Encode()
	}
}

// At replaces the host of a database's URL.
func At(host string) func(*url.URL) { return func(at *url.URL) { at.Host = host } }

// WrongPassword replaces the password of a database's URL.
func WrongPassword(at *url.URL) { at.User = url.UserPassword(at.User.Username(), "not-it") }

// Order runs work in the span of a request for an order, which fails when the work does.
func Order(ctx context.Context, provider *trace.TracerProvider, work func(context.Context) error) {
	ctx, span := provider.Tracer("order-svc/http").Start(ctx, "POST /orders", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	defer span.End()
	if err := work(ctx); err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
}

// go-libraries: order-svc uses libraries that are not instrumented; it records what they say in the span of the request.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"time"

	"beacon.test/world/telemetry"
	_ "github.com/go-sql-driver/mysql"
	"github.com/golang-jwt/jwt/v5"
	"github.com/nats-io/nats.go"
	"github.com/segmentio/kafka-go"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"gopkg.in/yaml.v3"
)

func main() {
	of := func(work func(context.Context) error) func(context.Context) {
		return func(ctx context.Context) { telemetry.Order(ctx, telemetry.Service("order-svc"), work) }
	}
	telemetry.Main(map[string]func(context.Context){
		"ok": of(func(context.Context) error { return nil }), "mysql-refused": of(mysql("app@tcp(gone:3306)/shop")), "mysql-no-such-host": of(mysql("app@tcp(mysql.prod:3306)/shop")), "mysql-bad-address": of(mysql("app@gone/shop")),
		"mongo-refused": of(mongoDB), "nats-refused": of(natsGone), "kafka-refused": of(kafkaGone), "token-expired": of(token(-time.Hour)), "token-bad-signature": of(token(time.Hour)),
		"smtp-refused": of(func(context.Context) error {
			return smtp.SendMail("gone:25", nil, "a@example.org", []string{"b@example.org"}, []byte("x"))
		}), "smtp-mailbox-full": of(mailboxFull),
		"file-missing": of(read("/etc/order-svc/prices.yaml")), "file-not-readable": of(notReadable), "yaml-broken": of(func(context.Context) error { return yaml.Unmarshal([]byte("a: [1\nb: 2"), &map[string]any{}) }),
		"json-wrong-type": of(func(context.Context) error { return json.Unmarshal([]byte(`{"n":"many"}`), &struct{ N int }{}) }), "child-killed": of(func(context.Context) error { return exec.Command("sh", "-c", "kill -9 $$").Run() }),
		"child-missing": of(func(context.Context) error { return exec.Command("wkhtmltopdf").Run() }), "child-out-of-memory": of(func(context.Context) error {
			out, err := exec.Command("sh", "-c", "ulimit -v 20000; head -c 100m /dev/zero | tail -c 100m > /dev/null").CombinedOutput()
			return fmt.Errorf("render: %v: %s", err, out)
		}),
		"port-taken": of(portTaken), "name-too-long": of(read("/tmp/" + strings.Repeat("x", 300))), "wrapped-deadline": of(wrapped),
	})
}

func mysql(at string) func(context.Context) error {
	return func(ctx context.Context) error {
		db, err := sql.Open("mysql", at)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.PingContext(ctx)
	}
}

func mongoDB(ctx context.Context) error {
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://gone:27017").SetServerSelectionTimeout(400 * time.Millisecond))
	if err != nil {
		return err
	}
	_, err = client.Database("shop").Collection("orders").InsertOne(ctx, bson.M{"_id": 17})
	return err
}

func natsGone(context.Context) error {
	_, err := nats.Connect("nats://gone:4222", nats.Timeout(400*time.Millisecond))
	return err
}

func kafkaGone(ctx context.Context) error {
	writer := &kafka.Writer{Addr: kafka.TCP("gone:9092"), Topic: "orders", MaxAttempts: 2}
	return writer.WriteMessages(ctx, kafka.Message{Value: []byte("{}")})
}

func token(life time.Duration) func(context.Context) error {
	return func(context.Context) error {
		made, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(life))}).SignedString([]byte("one"))
		if err != nil {
			return err
		}
		key := "one"
		if life > 0 {
			key = "two"
		}
		_, err = jwt.Parse(made, func(*jwt.Token) (any, error) { return []byte(key), nil })
		return err
	}
}

func mailboxFull(context.Context) error {
	listener, err := net.Listen("tcp", "mail:25")
	if err != nil {
		return err
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "220 mail ready\r\n")
		for buffer := make([]byte, 1000); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			switch line := string(buffer[:n]); {
			case strings.HasPrefix(line, "RCPT"):
				fmt.Fprint(conn, "452 4.2.2 mailbox full\r\n")
			default:
				fmt.Fprint(conn, "250 ok\r\n")
			}
		}
	}()
	return smtp.SendMail("mail:25", nil, "a@example.org", []string{"b@example.org"}, []byte("x"))
}

func read(file string) func(context.Context) error {
	return func(context.Context) error { _, err := os.ReadFile(file); return err }
}

func notReadable(context.Context) error {
	return &os.PathError{Op: "open", Path: "/etc/order-svc/prices.yaml", Err: os.ErrPermission}
}

func portTaken(context.Context) error {
	first, err := net.Listen("tcp", "mail:9000")
	if err != nil {
		return err
	}
	defer first.Close()
	_, err = net.Listen("tcp", "mail:9000")
	return err
}

func wrapped(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	return fmt.Errorf("reserve stock for order 17: %w", ctx.Err())
}

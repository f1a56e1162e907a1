// go-data: order-svc writes orders by GORM to PostgreSQL and MySQL, and sends them by franz-go and Sarama to Kafka; Gin takes the
// requests, Resty and Connect call others.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"beacon.test/world/telemetry"
	"github.com/IBM/sarama"
	"github.com/gin-gonic/gin"
	"github.com/go-resty/resty/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/opentelemetry/tracing"
)

type stock struct {
	SKU string `gorm:"primaryKey;column:sku"`
	N   int
}

func (stock) TableName() string { return "stock" }

type order struct {
	ID   int `gorm:"primaryKey"`
	SKU  string
	N    int
	Note string `gorm:"size:10"`
}

func main() {
	telemetry.Main(map[string]func(context.Context){
		"gorm-ok":                gormPostgres(nil, first),
		"gorm-not-found":         gormPostgres(nil, func(db *gorm.DB) error { return db.First(&order{}, 404).Error }),
		"gorm-unique":            gormPostgres(nil, func(db *gorm.DB) error { return db.Create(&order{ID: 1, SKU: "a", N: 1}).Error }),
		"gorm-foreign-key":       gormPostgres(nil, func(db *gorm.DB) error { return db.Create(&order{ID: 2, SKU: "zzz", N: 1}).Error }),
		"gorm-no-table":          gormPostgres(nil, func(db *gorm.DB) error { return db.Table("account_limits").Find(&[]order{}).Error }),
		"gorm-no-where":          gormPostgres(nil, func(db *gorm.DB) error { return db.Delete(&order{}).Error }),
		"gorm-statement-timeout": gormPostgres(telemetry.With("statement_timeout", "200"), func(db *gorm.DB) error { return db.Exec("select pg_sleep(1)").Error }),
		"gorm-deadline": gormPostgres(nil, func(db *gorm.DB) error {
			ctx, cancel := context.WithTimeout(db.Statement.Context, 200*time.Millisecond)
			defer cancel()
			return db.WithContext(ctx).Exec("select pg_sleep(1)").Error
		}),
		"gorm-cancelled": gormPostgres(nil, func(db *gorm.DB) error {
			ctx, cancel := context.WithCancel(db.Statement.Context)
			time.AfterFunc(100*time.Millisecond, cancel)
			return db.WithContext(ctx).Exec("select pg_sleep(1)").Error
		}),
		"gorm-pool":           gormPostgres(nil, heldPool),
		"gorm-deadlock":       gormPostgres(nil, gormDeadlock),
		"gorm-wrong-password": gormPostgres(telemetry.WrongPassword, first),
		"gorm-refused":        gormPostgres(telemetry.At("pg-gone:5432"), first),
		"gorm-dns":            gormPostgres(telemetry.At("pg-shop.prod:5432"), first),

		"mysql-ok":             gormMySQL("", 0, func(db *gorm.DB) error { return db.Exec("select 1").Error }),
		"mysql-unique":         gormMySQL("", 0, func(db *gorm.DB) error { return db.Exec("insert into go_orders values (1, 'a'), (1, 'b')").Error }),
		"mysql-no-table":       gormMySQL("", 0, func(db *gorm.DB) error { return db.Exec("select * from account_limits").Error }),
		"mysql-too-long":       gormMySQL("", 0, func(db *gorm.DB) error { return db.Exec("insert into go_orders values (2, 'far too long a note')").Error }),
		"mysql-wrong-password": gormMySQL("stale", 0, func(db *gorm.DB) error { return db.Exec("select 1").Error }),
		"mysql-refused":        gormMySQL("", 3307, func(db *gorm.DB) error { return db.Exec("select 1").Error }),
		"mysql-killed": gormMySQL("", 0, func(db *gorm.DB) error {
			return db.Connection(func(one *gorm.DB) error {
				var id int
				one.Raw("select connection_id()").Scan(&id)
				go func() { time.Sleep(100 * time.Millisecond); db.Exec(fmt.Sprintf("kill %d", id)) }()
				return one.Exec("select sleep(2) from go_orders union select benchmark(100000000, sha1('a'))").Error
			})
		}),

		"franz-ok":        franz("kafka-1:9092", "orders", 10),
		"franz-no-topic":  franz("kafka-1:9092", "ledgers", 10),
		"franz-refused":   franz("kafka-1:9999", "orders", 10),
		"franz-dns":       franz("kafka.internal:9092", "orders", 10),
		"franz-too-large": franz("kafka-1:9092", "orders", 3<<20),
		"sarama-ok":       saramaSend("kafka-1:9092", "orders", 10),
		"sarama-no-topic": saramaSend("kafka-1:9092", "ledgers", 10),
		"sarama-refused":  saramaSend("kafka-1:9999", "orders", 10),
		"sarama-dns":      saramaSend("kafka.internal:9092", "orders", 10),
		"sarama-large":    saramaSend("kafka-1:9092", "orders", 2<<20),
		"sarama-too-old":  saramaSend("kafka-1:9092", "orders", 300000),

		"resty-ok":        restyGet("WORLD_TLS_GOOD", "", 0),
		"resty-refused":   restyGet("WORLD_BROKEN_REFUSED", "", 0),
		"resty-dns":       restyGet("", "https://rates.internal/eur", 0),
		"resty-expired":   restyGet("WORLD_TLS_EXPIRED", "", 0),
		"resty-unknown":   restyGet("WORLD_TLS_UNKNOWN", "", 0),
		"resty-name":      restyGet("WORLD_TLS_OTHER_NAME", "", 0),
		"resty-silent":    restyGet("WORLD_BROKEN_SILENT", "", 500*time.Millisecond),
		"resty-hangup":    restyGet("WORLD_BROKEN_HANGUP", "", 0),
		"resty-reset":     restyGet("WORLD_BROKEN_RESET", "", 0),
		"resty-cut":       restyGet("WORLD_BROKEN_CUT_LENGTH", "", 0),
		"resty-not-http":  restyGet("WORLD_BROKEN_NOT_HTTP", "", 0),
		"resty-html":      restyGet("WORLD_BROKEN_HTML", "", 0),
		"resty-plain":     restyGet("", "https://partner-7.example:80", 0),
		"resty-scheme":    restyGet("", "partner-1.example/rates", 0),
		"gin-panic":       ginOrder(func(*gin.Context) { var n *stock; n.N++ }),
		"gin-bind":        ginOrder(func(c *gin.Context) { _ = c.Error(c.ShouldBindJSON(&struct{ N int `binding:"required"` }{})); c.Status(400) }),
		"gin-group":       ginOrder(ginGroup),
	})
}

func first(db *gorm.DB) error { return db.First(&stock{}).Error }

func quiet() *gorm.Config { return &gorm.Config{Logger: logger.Discard} }

func gormPostgres(change func(*url.URL), work func(*gorm.DB) error) func(context.Context) {
	return func(ctx context.Context) {
		plain, err := gorm.Open(postgres.Open(telemetry.Database("WORLD_POSTGRES_URL")), quiet())
		must(err)
		must(plain.Exec(telemetry.Setup).Error)
		must(plain.Exec("alter table shop.orders add foreign key (sku) references shop.stock; alter table shop.orders alter note drop not null").Error)
		at := telemetry.Database("WORLD_POSTGRES_URL")
		if change != nil {
			at = telemetry.Database("WORLD_POSTGRES_URL", change)
		}
		run(ctx, postgres.Open(at), work)
	}
}

func gormMySQL(password string, port int, work func(*gorm.DB) error) func(context.Context) {
	return func(ctx context.Context) {
		at, err := url.Parse(os.Getenv("WORLD_MYSQL_URL"))
		must(err)
		right, _ := at.User.Password()
		dsn := func(password string, port string) string {
			return fmt.Sprintf("%s:%s@tcp(%s:%s)%s?timeout=1s", at.User.Username(), password, at.Hostname(), port, at.Path)
		}
		plain, err := gorm.Open(mysql.Open(dsn(right, at.Port())), quiet())
		must(err)
		plain.Exec("drop table if exists go_orders")
		must(plain.Exec("create table go_orders (id int primary key, note varchar(10))").Error)
		if password == "" {
			password = right
		}
		to := at.Port()
		if port != 0 {
			to = fmt.Sprint(port)
		}
		run(ctx, mysql.Open(dsn(password, to)), work)
	}
}

func run(ctx context.Context, dialector gorm.Dialector, work func(*gorm.DB) error) {
	provider := telemetry.Service("order-svc")
	telemetry.Order(ctx, provider, func(ctx context.Context) error {
		db, err := gorm.Open(dialector, quiet())
		if err != nil {
			return fmt.Errorf("open database: %w", err)
		}
		must(db.Use(tracing.NewPlugin(tracing.WithTracerProvider(provider), tracing.WithoutMetrics())))
		return work(db.WithContext(ctx))
	})
}

func heldPool(db *gorm.DB) error {
	pool, err := db.DB()
	must(err)
	pool.SetMaxOpenConns(1)
	held, err := pool.Conn(context.Background())
	must(err)
	defer held.Close()
	ctx, cancel := context.WithTimeout(db.Statement.Context, 300*time.Millisecond)
	defer cancel()
	return db.WithContext(ctx).First(&stock{}).Error
}

func gormDeadlock(db *gorm.DB) error {
	lock := func(one, other string) func() error {
		return func() error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Exec("update stock set n = n - 1 where sku = ?", one).Error; err != nil {
					return err
				}
				time.Sleep(150 * time.Millisecond)
				return tx.Exec("update stock set n = n - 1 where sku = ?", other).Error
			})
		}
	}
	var both errgroup.Group
	both.Go(lock("a", "b"))
	both.Go(lock("b", "a"))
	return both.Wait()
}

func franz(at, topic string, size int) func(context.Context) {
	return func(ctx context.Context) {
		provider := telemetry.Service("order-svc")
		hooks := kotel.NewKotel(kotel.WithTracer(kotel.NewTracer(kotel.TracerProvider(provider)))).Hooks()
		telemetry.Order(ctx, provider, func(ctx context.Context) error {
			client, err := kgo.NewClient(kgo.SeedBrokers(at), kgo.WithHooks(hooks...), kgo.RecordDeliveryTimeout(1500*time.Millisecond),
				kgo.DialTimeout(500*time.Millisecond), kgo.UnknownTopicRetries(1), kgo.RequestRetries(2))
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			return client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: make([]byte, size), Context: ctx}).FirstErr()
		})
	}
}

func saramaSend(at, topic string, size int) func(context.Context) {
	return func(ctx context.Context) {
		provider := telemetry.Service("order-svc")
		telemetry.Order(ctx, provider, func(ctx context.Context) error {
			return called(ctx, provider, "orders publish", oteltrace.SpanKindProducer, map[string]string{"messaging.system": "kafka", "messaging.destination.name": topic}, func(context.Context) error {
				config := sarama.NewConfig()
				config.Producer.Return.Successes = true
				config.Metadata.Retry.Max, config.Producer.Retry.Max = 1, 1
				config.Net.DialTimeout = 500 * time.Millisecond
				producer, err := sarama.NewSyncProducer([]string{at}, config)
				if err != nil {
					return err
				}
				defer producer.Close()
				_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, size))})
				return err
			})
		})
	}
}

// called is the span that a program makes by itself around a library without an instrumentation.
func called(ctx context.Context, provider *trace.TracerProvider, name string, kind oteltrace.SpanKind, about map[string]string, work func(context.Context) error) error {
	ctx, span := provider.Tracer("order-svc").Start(ctx, name, oteltrace.WithSpanKind(kind))
	defer span.End()
	for key, value := range about {
		span.SetAttributes(attribute.String(key, value))
	}
	err := work(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

func restyGet(variable, at string, patience time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		if at == "" {
			at = os.Getenv(variable)
		}
		provider := telemetry.Service("order-svc")
		telemetry.Order(ctx, provider, func(ctx context.Context) error {
			client := resty.New().SetTransport(otelhttp.NewTransport(http.DefaultTransport, otelhttp.WithTracerProvider(provider))).SetTimeout(patience)
			var rate struct{ Rate float64 }
			answer, err := client.R().SetContext(ctx).SetResult(&rate).Get(at)
			if err != nil {
				return err
			}
			if !strings.Contains(answer.Header().Get("content-type"), "json") {
				return fmt.Errorf("rates: expected JSON, got %s: %.40s", answer.Header().Get("content-type"), answer.String())
			}
			return nil
		})
	}
}

func ginOrder(handler gin.HandlerFunc) func(context.Context) {
	return func(context.Context) {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		router.Use(gin.RecoveryWithWriter(nil), otelgin.Middleware("order-svc", otelgin.WithTracerProvider(telemetry.Service("order-svc"))))
		router.POST("/orders", func(c *gin.Context) {
			defer func() {
				if raised := recover(); raised != nil {
					span := oteltrace.SpanFromContext(c.Request.Context())
					span.RecordError(fmt.Errorf("panic: %v", raised))
					panic(raised)
				}
			}()
			handler(c)
		})
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(`{"n":"many"}`)))
	}
}

func ginGroup(c *gin.Context) {
	group, ctx := errgroup.WithContext(c.Request.Context())
	group.Go(func() error { return errors.New("stock of a: warehouse 3 has no shelf 17") })
	group.Go(func() error { <-ctx.Done(); return ctx.Err() })
	err := group.Wait()
	_ = c.Error(err)
	oteltrace.SpanFromContext(c.Request.Context()).RecordError(err)
	c.Status(http.StatusInternalServerError)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

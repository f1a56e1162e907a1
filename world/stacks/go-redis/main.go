// go-redis: order-svc keeps the basket of an order in Redis, traced by redisotel.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"beacon.test/world/telemetry"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
)

type job func(ctx context.Context, basket, admin *redis.Client) error

func main() {
	telemetry.Main(map[string]func(context.Context){
		"ok": shop(set), "ok-miss": shop(miss), "ok-pipeline": shop(pipeline), "ok-pool-of-one": shop(set, func(o *redis.Options) { o.PoolSize = 1 }),
		"refused": shop(set, at("redis-gone:6379")), "no-such-host": shop(set, at("redis-cache.prod:6379")),
		"no-password": shop(withSetting("requirepass", "basket-"+"pass", "", set)), "wrong-password": shop(withSetting("requirepass", "basket-"+"pass", "", set), func(o *redis.Options) { o.Password = "not-it" }),
		"no-permission": shop(noPermission), "unknown-user": shop(set, func(o *redis.Options) { o.Username, o.Password = "orders", "not-it" }),
		"wrong-type": shop(wrongType), "out-of-memory": shop(withSetting("maxmemory", "1", "0", set)), "read-only-replica": shop(replica), "unknown-command": shop(unknownCommand),
		"transaction-conflict": shop(conflict), "script-error": shop(script), "read-timeout": shop(paused, func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = 200*time.Millisecond, -1 }),
		"context-deadline": shop(deadline, func(o *redis.Options) { o.ContextTimeoutEnabled = true }), "context-canceled": shop(canceled),
		"pool-timeout": shop(poolTimeout, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, 200*time.Millisecond }), "max-clients": shop(maxClients), "connection-killed": shop(killed, func(o *redis.Options) { o.MaxRetries = -1 }),
		"n-plus-one": shop(onePerLine), "database-index": shop(set, func(o *redis.Options) { o.DB = 99 }),
	})
}

func at(address string) func(*redis.Options) { return func(o *redis.Options) { o.Addr = address } }

// shop runs work with a traced client, beside an untraced one that stands for all other clients.
func shop(work job, change ...func(*redis.Options)) func(context.Context) {
	return func(ctx context.Context) {
		options, err := redis.ParseURL(os.Getenv("WORLD_REDIS_URL"))
		must(err)
		admin := redis.NewClient(options)
		defer admin.Close()
		must(admin.FlushAll(ctx).Err())
		provider := telemetry.Service("order-svc")
		mine := *options
		mine.DisableIdentity = true
		for _, each := range change {
			each(&mine)
		}
		basket := redis.NewClient(&mine)
		defer basket.Close()
		must(redisotel.InstrumentTracing(basket, redisotel.WithTracerProvider(provider)))
		telemetry.Order(ctx, provider, func(ctx context.Context) error { return work(ctx, basket, admin) })
	}
}

func set(ctx context.Context, basket, _ *redis.Client) error {
	return basket.Set(ctx, "basket:17", "a,b", time.Minute).Err()
}

func miss(ctx context.Context, basket, _ *redis.Client) error {
	if err := basket.Get(ctx, "basket:18").Err(); !errors.Is(err, redis.Nil) {
		return fmt.Errorf("want a miss, got %w", err)
	}
	return nil
}

func pipeline(ctx context.Context, basket, _ *redis.Client) error {
	_, err := basket.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "orders")
		p.Expire(ctx, "orders", time.Hour)
		return nil
	})
	return err
}

// withSetting changes a setting of the server while work runs.
func withSetting(name, value, back string, work job) job {
	return func(ctx context.Context, basket, admin *redis.Client) error {
		quiet := context.Background()
		must(admin.ConfigSet(quiet, name, value).Err())
		defer func() { must(admin.ConfigSet(quiet, name, back).Err()) }()
		return work(ctx, basket, admin)
	}
}

func noPermission(ctx context.Context, basket, admin *redis.Client) error {
	quiet := context.Background()
	must(admin.Do(quiet, "ACL", "SETUSER", "default", "-set").Err())
	defer func() { must(admin.Do(quiet, "ACL", "SETUSER", "default", "+@all").Err()) }()
	return set(ctx, basket, nil)
}

func wrongType(ctx context.Context, basket, admin *redis.Client) error {
	must(admin.Set(context.Background(), "basket:17", "a", 0).Err())
	return basket.LPush(ctx, "basket:17", "b").Err()
}

func replica(ctx context.Context, basket, admin *redis.Client) error {
	quiet := context.Background()
	must(admin.SlaveOf(quiet, "redis-gone", "6379").Err())
	defer func() { must(admin.SlaveOf(quiet, "NO", "ONE").Err()) }()
	return set(ctx, basket, nil)
}

func unknownCommand(ctx context.Context, basket, _ *redis.Client) error {
	return basket.Do(ctx, "JSON.SET", "basket:17", "$", "{}").Err()
}

func conflict(ctx context.Context, basket, admin *redis.Client) error {
	return basket.Watch(ctx, func(tx *redis.Tx) error {
		if err := tx.Get(ctx, "stock:a").Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		must(admin.Set(context.Background(), "stock:a", 9, 0).Err())
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "stock:a", 8, 0).Err() })
		return err
	}, "stock:a")
}

func script(ctx context.Context, basket, _ *redis.Client) error {
	return redis.NewScript("return redis.call('incr', KEYS[1]) + nothing").Run(ctx, basket, []string{"orders"}).Err()
}

func paused(ctx context.Context, basket, admin *redis.Client) error {
	if err := basket.Get(ctx, "basket:17").Err(); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	must(admin.ClientPause(context.Background(), 800*time.Millisecond).Err())
	return set(ctx, basket, nil)
}

func deadline(ctx context.Context, basket, _ *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	return basket.BLPop(ctx, 3*time.Second, "queue").Err()
}

func canceled(ctx context.Context, basket, _ *redis.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return set(ctx, basket, nil)
}

func poolTimeout(ctx context.Context, basket, _ *redis.Client) error {
	held := basket.Conn()
	defer held.Close()
	must(held.Ping(context.Background()).Err())
	return set(ctx, basket, nil)
}

func maxClients(ctx context.Context, basket, admin *redis.Client) error {
	return withSetting("maxclients", "1", "1000", set)(ctx, basket, admin)
}

func killed(ctx context.Context, basket, admin *redis.Client) error {
	time.AfterFunc(150*time.Millisecond, func() {
		list := admin.ClientList(context.Background()).Val()
		for _, line := range strings.Split(list, "\n") {
			if strings.Contains(line, "cmd=blpop") {
				id := strings.TrimPrefix(strings.Fields(line)[0], "id=")
				_ = admin.ClientKillByFilter(context.Background(), "ID", id).Err()
			}
		}
	})
	return basket.BLPop(ctx, 2*time.Second, "queue").Err()
}

// onePerLine asks a script that takes a few milliseconds about each line of the order.
func onePerLine(ctx context.Context, basket, _ *redis.Client) error {
	for range 60 {
		if err := basket.Eval(ctx, "local n = 0 for i = 1, 200000 do n = n + i % 7 end return n", nil).Err(); err != nil {
			return err
		}
	}
	return nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

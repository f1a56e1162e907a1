// go-aws: order-svc uses AWS through the SDK for Go v2, traced by otelaws. AWS is imitated: a server that answers with the error
// bodies that AWS documents. What happens on the way there, and what is missing on this side, is real.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"beacon.test/world/telemetry"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"
)

const endpoint = "http://aws.example:8000"

type call func(ctx context.Context, config aws.Config) error

func main() {
	failures := map[string]func(context.Context){
		"ok-dynamodb": using(put, says(200, "", `{}`)), "ok-s3": using(read, says(200, "", "invoice")), "ok-bedrock": using(converse, says(200, "", answer)),
		"ok-throttled-once":       using(put, firstThen(throttled, says(200, "", `{}`))),
		"dynamodb-throttled":      using(put, throttled),
		"dynamodb-throughput":     using(put, json(400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")),
		"dynamodb-no-table":       using(put, json(400, "ResourceNotFoundException", "Requested resource not found: Table: orders not found")),
		"dynamodb-condition":      using(put, json(400, "ConditionalCheckFailedException", "The conditional request failed")),
		"dynamodb-validation":     using(put, json(400, "ValidationException", "One or more parameter values were invalid: Missing the key id in the item")),
		"dynamodb-access-denied":  using(put, json(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/orders is not authorized to perform: dynamodb:PutItem on resource: table/orders")),
		"dynamodb-expired-token":  using(put, json(400, "ExpiredTokenException", "The security token included in the request is expired")),
		"dynamodb-bad-signature":  using(put, json(400, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")),
		"dynamodb-internal-error": using(put, json(500, "InternalServerError", "The request processing has failed because of an unknown error, exception or failure.")),
		"s3-no-bucket":            using(read, xml(404, "NoSuchBucket", "The specified bucket does not exist")),
		"s3-no-key":               using(read, xml(404, "NoSuchKey", "The specified key does not exist.")),
		"s3-access-denied":        using(read, xml(403, "AccessDenied", "Access Denied")),
		"s3-slow-down":            using(read, xml(503, "SlowDown", "Please reduce your request rate.")),
		"bedrock-throttled":       using(converse, json(429, "ThrottlingException", "Too many requests, please wait before trying again.")),
		"bedrock-too-many-tokens": using(converse, json(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")),
		"bedrock-no-model-access": using(converse, json(403, "AccessDeniedException", "You don't have access to the model with the specified model ID.")),
		"bedrock-wrong-model":     using(converse, json(400, "ValidationException", "The provided model identifier is invalid.")),
		"bedrock-too-long":        using(converse, json(400, "ValidationException", "The model returned the following errors: Input is too long for requested model.")),
		"bedrock-model-not-ready": using(converse, json(429, "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again.")),
		"bedrock-model-timeout":   using(converse, json(408, "ModelTimeoutException", "The request took too long to process. Processing time exceeded the model timeout length.")),
		"bedrock-unavailable":     using(converse, json(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")),
		"no-credentials":          using(put, says(200, "", `{}`), defaultCredentials),
		"no-region":               using(put, says(200, "", `{}`), func(c *aws.Config) { c.Region, c.BaseEndpoint = "", nil }),
		"refused":                 using(put, nil, func(c *aws.Config) { c.BaseEndpoint = aws.String("http://aws-gone.example:8000") }),
		"no-such-host":            using(put, nil, func(c *aws.Config) { c.BaseEndpoint = nil }),
		"deadline":                using(within(300*time.Millisecond, put), func(w http.ResponseWriter, _ *http.Request) { time.Sleep(900 * time.Millisecond) }),
		"parameter-missing":       using(incomplete, says(200, "", `{}`)),
	}
	telemetry.Main(failures)
}

const answer = `{"output":{"message":{"role":"assistant","content":[{"text":"Yes."}]}},"stopReason":"end_turn","usage":{"inputTokens":12,"outputTokens":2,"totalTokens":14},"metrics":{"latencyMs":40}}`

func using(do call, cloud http.HandlerFunc, change ...func(*aws.Config)) func(context.Context) {
	return func(ctx context.Context) {
		if cloud != nil {
			listener, err := net.Listen("tcp", "aws.example:8000")
			must(err)
			server := &http.Server{Handler: cloud}
			go func() { _ = server.Serve(listener) }()
			defer server.Close()
		}
		provider := telemetry.Service("order-svc")
		key := strings.Repeat("example", 3)
		settings := aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider(key, key, "")}
		for _, each := range change {
			each(&settings)
		}
		otelaws.AppendMiddlewares(&settings.APIOptions, otelaws.WithTracerProvider(provider))
		telemetry.Order(ctx, provider, func(ctx context.Context) error { return do(ctx, settings) })
	}
}

// defaultCredentials looks where the SDK looks by itself, and there are none.
func defaultCredentials(c *aws.Config) {
	must(os.Setenv("AWS_EC2_METADATA_DISABLED", "true"))
	found, err := config.LoadDefaultConfig(context.Background())
	must(err)
	c.Credentials = found.Credentials
}

func put(ctx context.Context, config aws.Config) error {
	_, err := dynamodb.NewFromConfig(config).PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: map[string]dynamo.AttributeValue{"id": &dynamo.AttributeValueMemberN{Value: "17"}}})
	return err
}

func incomplete(ctx context.Context, config aws.Config) error {
	_, err := dynamodb.NewFromConfig(config).PutItem(ctx, &dynamodb.PutItemInput{})
	return err
}

func read(ctx context.Context, config aws.Config) error {
	_, err := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("invoices"), Key: aws.String("17.pdf")})
	return err
}

func converse(ctx context.Context, config aws.Config) error {
	question := types.Message{Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: "Is order 17 plausible?"}}}
	_, err := bedrockruntime.NewFromConfig(config).Converse(ctx, &bedrockruntime.ConverseInput{ModelId: aws.String("anthropic.claude-sonnet-4-20250514-v1:0"), Messages: []types.Message{question}})
	return err
}

func within(limit time.Duration, do call) call {
	return func(ctx context.Context, config aws.Config) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return do(ctx, config)
	}
}

func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if kind != "" {
			w.Header().Set("X-Amzn-ErrorType", kind)
		}
		w.Header().Set("X-Amzn-RequestId", "00000000-0000-4000-8000-000000000001")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func json(status int, kind, message string) http.HandlerFunc {
	return says(status, kind, fmt.Sprintf(`{"__type":%q,"message":%q}`, kind, message))
}

func xml(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>EXAMPLE</RequestId></Error>`, code, message)
	}
}

var throttled = json(400, "ThrottlingException", "Rate of requests exceeds the allowed throughput.")

func firstThen(first, then http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			first(w, r)
			return
		}
		then(w, r)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

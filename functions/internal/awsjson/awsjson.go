// Package awsjson calls the services of AWS that speak its JSON protocol: SQS,
// Parameter Store and Secrets Manager, one operation each. Configuration, credentials,
// signature, HTTP client and the rules of retrying are the SDK's; only the few lines
// that put them together are here, because senders wait for ingest, which may weigh 20
// MB: with the generated clients (ssm 1.81.4, secretsmanager 1.50.10, sqs 1.52.10) it
// was 19.60 MB for arm64 instead of 17.83, and with the first two of them its first
// answer came 23 ms after its start instead of 18.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	attempts = 3
	// attemptTimeout and maxPause keep three attempts below the ten seconds that a sender
	// is made to wait at most.
	attemptTimeout = 2 * time.Second
	firstPause     = 50 * time.Millisecond
	maxPause       = 500 * time.Millisecond
	// maxAnswer is far above the largest secret, 64 KiB.
	maxAnswer = 1 << 20
)

// ErrEndpoint is matched by an address that requests must not be sent to.
var ErrEndpoint = errors.New("awsjson: want an https address, or http on loopback")

// ErrTemporary is matched by an error that may not come again: no answer in time, too
// many requests, or a fault of the service.
var ErrTemporary = errors.New("awsjson: not now")

// Operation is one operation of a service.
type Operation struct {
	Service string // as in signatures and host names: sqs
	Target  string // as in X-Amz-Target: AmazonSQS.SendMessage
	Version string // of the protocol: 1.0 or 1.1
}

// Error is a service's refusal.
type Error struct {
	Operation string
	Status    int
	Code      string // of the service, without its namespace; empty if it gave none
	Message   string // the service's words: names and rights, never a value; at most 300 bytes
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.Operation, e.Status, e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// ErrorCode is what the SDK's rules of retrying ask for.
func (e *Error) ErrorCode() string { return e.Code }

// HTTPStatusCode is what the SDK's rules of retrying ask for.
func (e *Error) HTTPStatusCode() int { return e.Status }

// Client calls operations in the region of this process with its credentials. It is
// safe for concurrent use and keeps its connections.
type Client struct {
	getenv  func(string) string
	load    func() (aws.Config, error)
	http    aws.HTTPClient
	signer  *v4.Signer
	retryer *retry.Standard
}

// New makes a client. It reads the AWS configuration at the first call. getenv answers
// for AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL_SECRETS_MANAGER, as the SDK knows them.
func New(getenv func(string) string) *Client {
	return &Client{
		getenv: getenv,
		load: sync.OnceValues(func() (aws.Config, error) {
			// Not a caller's context: its deadline must not end up in what all share.
			return config.LoadDefaultConfig(context.Background())
		}),
		http:   awshttp.NewBuildableClient().WithTimeout(attemptTimeout),
		signer: v4.NewSigner(),
		retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Retryables = append(o.Retryables,
				retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}},
				retry.RetryableErrorCode{Codes: map[string]struct{}{"KmsThrottled": {}, "OverLimit": {}}})
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
				pause := min(firstPause<<min(attempt, 10), maxPause)
				return pause/2 + rand.N(pause/2), nil //nolint:gosec // G404: spreads retries, guards nothing
			})
		}),
	}
}

// Call sends in to the operation and reads the answer into out. An empty address is
// the service's own; of another one only scheme and host are used. It tries three
// times, each for two seconds at most, where the SDK would (see [ErrTemporary]). So an
// operation may be done although Call returns an error, and may be done twice. A refusal
// is an [*Error].
func (c *Client) Call(ctx context.Context, op Operation, address string, in, out any) error {
	settings, err := c.load()
	if err != nil {
		return fmt.Errorf("awsjson: AWS configuration: %w", err)
	}
	endpoint, err := c.endpoint(op.Service, settings.Region, address)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("awsjson: encode %s: %w", op.Target, err)
	}
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, settings, op, endpoint, body, out)
		if err == nil {
			c.refill(ctx)
			return nil
		}
		temporary := ctx.Err() != nil || c.retryer.IsErrorRetryable(err)
		if temporary {
			err = fmt.Errorf("%w: %w", ErrTemporary, err)
		}
		if attempt == attempts || ctx.Err() != nil || !temporary {
			return err
		}
		if _, spent := c.retryer.GetRetryToken(ctx, err); spent != nil {
			return err // many calls fail: more of them would not help the service
		}
		pause, _ := c.retryer.RetryDelay(attempt, err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// refill gives back to the bucket of retries what a success is worth.
func (c *Client) refill(ctx context.Context) {
	if release, err := c.retryer.GetAttemptToken(ctx); err == nil {
		_ = release(nil)
	}
}

// endpoint is where a service listens.
func (c *Client) endpoint(service, region, address string) (string, error) {
	if address == "" {
		variables := map[string]string{"ssm": "AWS_ENDPOINT_URL_SSM", "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER"} //nolint:gosec // G101: names of variables
		address = c.getenv(variables[service])
	}
	if address == "" {
		if region == "" {
			return "", errors.New("awsjson: no region")
		}
		suffix := "amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			suffix = "amazonaws.com.cn"
		}
		return "https://" + service + "." + region + "." + suffix + "/", nil
	}
	if err := CheckAddress(address); err != nil {
		return "", err
	}
	u, _ := url.Parse(address) // checked
	return u.Scheme + "://" + u.Host + "/", nil
}

// CheckAddress tells whether requests may be sent to an address. Else it is
// [ErrEndpoint]: deliveries and secrets never travel in clear.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return ErrEndpoint
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"):
		return nil
	}
	return ErrEndpoint
}

// once is one attempt.
func (c *Client) once(ctx context.Context, settings aws.Config, op Operation, endpoint string, body []byte, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", op.Target, err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-"+op.Version)
	request.Header.Set("X-Amz-Target", op.Target)
	if settings.Credentials == nil {
		return fmt.Errorf("%s: no credentials", op.Target)
	}
	credentials, err := settings.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%s: credentials: %w", op.Target, err)
	}
	sum := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), op.Service, settings.Region, time.Now()); err != nil {
		return fmt.Errorf("%s: sign: %w", op.Target, err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", op.Target, &smithyhttp.RequestSendError{Err: err})
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil { // the end of an answer is lost like the whole of it
		return fmt.Errorf("%s: %w", op.Target, &smithyhttp.RequestSendError{Err: err})
	}
	if response.StatusCode != http.StatusOK {
		return refusal(op, response, answer)
	}
	if len(answer) > maxAnswer || json.Unmarshal(answer, out) != nil {
		return fmt.Errorf("%s: the answer is no JSON of the service", op.Target)
	}
	return nil
}

// refusal reads an error in the forms that the services use.
func refusal(op Operation, response *http.Response, answer []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &said) // a gateway in between answers in HTML
	code := response.Header.Get("X-Amzn-ErrorType")
	for _, other := range []string{said.Type, said.Code} {
		if code == "" {
			code = other
		}
	}
	code, _, _ = strings.Cut(code, ":")
	if at := strings.LastIndexByte(code, '#'); at >= 0 {
		code = code[at+1:]
	}
	return &Error{Operation: op.Target, Status: response.StatusCode, Code: code, Message: said.Message[:min(len(said.Message), 300)]}
}

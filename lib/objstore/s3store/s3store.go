// Package s3store keeps objects in a bucket of Amazon S3 or of a store that speaks
// its protocol and honours If-None-Match and If-Match; objstore.Probe tells whether
// it does.
//
// A conditional write is sent once at a time, never retried by the SDK, because a
// repeated write whose first answer was lost is refused as if somebody else had won.
// Each one carries the random nonce of its writer in the object's metadata; when
// the answer is 412, a server fault or none at all, the store reads back whose
// object is in place (write.go has the rules, TestLostAnswers holds them). A 409
// means that nobody has won yet, and is sent again.
//
// Reads use the SDK's standard retries. Bodies are compared with their length and
// with the SHA-256 that is stored beside each object, and read again if they differ.
package s3store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/leadlake/leadlake/lib/objstore"
)

// ErrConfig is matched by errors of [ParseURL] and [Open] about their input.
var ErrConfig = errors.New("s3store: bad configuration")

// HTTPClient sends requests; *http.Client is one.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// Config says which bucket, and how to reach it. Only Bucket is required.
type Config struct {
	Bucket string
	// Prefix is the folder of the bucket that the store's keys are in; a missing
	// slash at its end is added, empty is the whole bucket.
	Prefix string
	// Region as in the AWS configuration; empty takes it from there.
	Region string
	// Endpoint is the base URL of a store that is not AWS; empty is AWS.
	Endpoint string
	// PathStyle puts the bucket into the path instead of the host name, which most
	// stores behind an Endpoint want.
	PathStyle bool
	// AccessKeyID, SecretAccessKey and SessionToken; an empty AccessKeyID takes
	// the credentials from the AWS configuration.
	AccessKeyID, SecretAccessKey, SessionToken string
	// HTTPClient is for tests; nil is a client of the SDK.
	HTTPClient HTTPClient
	// Random makes nonces; nil is crypto/rand. It must allow concurrent use.
	Random io.Reader
	// Attempts bounds how often a conditional write is sent; 0 is 6.
	Attempts int
	// Pause is the time before the second attempt, doubled for each later one and
	// shortened at random to as little as half; 0 is 50 ms.
	Pause time.Duration
}

const (
	defaultAttempts = 6
	defaultPause    = 50 * time.Millisecond
	readAttempts    = 3
	answerTimeout   = time.Minute // from the end of a request to the head of its answer
)

// ParseURL reads s3://bucket/prefix?endpoint=URL&region=NAME&path_style=true into a
// Config. All parameters may be absent, others are an error, and so are credentials,
// which do not belong in a URL.
func ParseURL(text string) (Config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.Fragment != "" {
		return Config{}, fmt.Errorf("%w: want s3://bucket/prefix?endpoint=…&region=…&path_style=…", ErrConfig)
	}
	if u.User != nil {
		return Config{}, fmt.Errorf("%w: credentials in the URL", ErrConfig)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("%w: query cannot be read", ErrConfig)
	}
	c := Config{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	for name, values := range query {
		if len(values) != 1 {
			return Config{}, fmt.Errorf("%w: parameter %q is given twice", ErrConfig, name)
		}
		switch name {
		case "endpoint":
			c.Endpoint = values[0]
		case "region":
			c.Region = values[0]
		case "path_style":
			if c.PathStyle, err = strconv.ParseBool(values[0]); err != nil {
				return Config{}, fmt.Errorf("%w: path_style must be true or false", ErrConfig)
			}
		default:
			return Config{}, fmt.Errorf("%w: unknown parameter %q", ErrConfig, name)
		}
	}
	return c, c.check()
}

func (c Config) check() error {
	if c.Bucket == "" {
		return fmt.Errorf("%w: no bucket", ErrConfig)
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return fmt.Errorf("%w: endpoint must be an http or https URL without credentials", ErrConfig)
		}
	}
	if err := objstore.CheckPrefix(c.Prefix); err != nil {
		return fmt.Errorf("%w: prefix: %w", ErrConfig, err)
	}
	return nil
}

// Store is a bucket, or a folder of one. [Open] makes it.
type Store struct {
	client   *s3.Client
	presign  *s3.PresignClient
	bucket   string
	prefix   string // "" or ending in a slash
	random   io.Reader
	attempts int
	pause    time.Duration
}

// Open makes a store from the AWS configuration of this process (environment, files,
// role) and c, which has precedence. It sends nothing to the bucket.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	// LoadDefaultConfig, never bare options: only it validates checksums, without
	// which a body that ends early is taken for whole.
	options := []func(*config.LoadOptions) error{
		config.WithRetryMode(aws.RetryModeStandard),
		config.WithRetryMaxAttempts(readAttempts),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenSupported),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenSupported),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerTimeout
		})),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	} else if c.Endpoint != "" {
		// Such stores mostly take any name, but the signature needs one.
		options = append(options, config.WithDefaultRegion("us-east-1"))
	}
	if c.AccessKeyID != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	if loaded.Region == "" {
		return nil, fmt.Errorf("%w: no region", ErrConfig)
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		if c.HTTPClient != nil {
			// Not by LoadDefaultConfig, which refuses a plain client if AWS_CA_BUNDLE is set.
			o.HTTPClient = c.HTTPClient
		}
	})
	store := &Store{
		client: client,
		presign: s3.NewPresignClient(client, s3.WithPresignClientFromClientOptions(func(o *s3.Options) {
			// Who follows a link is no SDK: leave its checksum parameter out.
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})),
		bucket: c.Bucket, prefix: c.Prefix, random: c.Random, attempts: c.Attempts, pause: c.Pause,
	}
	if store.prefix != "" && !strings.HasSuffix(store.prefix, "/") {
		store.prefix += "/"
	}
	if store.random == nil {
		store.random = rand.Reader
	}
	if store.attempts <= 0 {
		store.attempts = defaultAttempts
	}
	if store.pause <= 0 {
		store.pause = defaultPause
	}
	return store, nil
}

// check is the store's edge: no key passes it that any store refuses.
func (s *Store) check(ctx context.Context, key string) error {
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	if s.prefix != "" {
		if err := objstore.CheckKey(s.prefix + key); err != nil {
			return fmt.Errorf("with the prefix of the store: %w", err)
		}
	}
	return objstore.CheckContext(ctx)
}

// Presign implements [objstore.Store]; ttl is more than 0 and at most 7 days. The
// link dies earlier when temporary credentials do.
func (s *Store) Presign(ctx context.Context, key string, ttl time.Duration, fileName string) (string, error) {
	if err := s.check(ctx, key); err != nil {
		return "", fmt.Errorf("presign %s: %w", objstore.Quote(key), err)
	}
	if ttl < time.Second || ttl > 7*24*time.Hour {
		return "", fmt.Errorf("presign %s: %w: time to live of %v", key, objstore.ErrRefused, ttl)
	}
	request, err := s.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket:                     aws.String(s.bucket),
		Key:                        aws.String(s.prefix + key),
		ResponseContentDisposition: aws.String(objstore.Attachment(fileName)),
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", fmt.Errorf("presign %s: %w", key, err)
	}
	return request.URL, nil
}

// answer is what is known of a failed request.
type answer struct {
	status int    // 0 if there was no answer
	code   string // of S3, if it gave one
}

func answerOf(err error) answer {
	var a answer
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		a.status = response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		a.code = api.ErrorCode()
	}
	return a
}

// absent tells whether the object, and not for example the bucket, is not there. The
// answer to HEAD has no body, so its code is only the status in words.
func (a answer) absent() bool {
	return a.status == http.StatusNotFound && (a.code == "NoSuchKey" || a.code == "NotFound" || a.code == "")
}

// refused tells whether the store read the request and will not do it. Statuses that
// mean "not now" are no refusal.
func (a answer) refused() bool {
	switch {
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.code == "RequestTimeout":
		return false
	default:
		return a.status >= 300 && a.status < 500
	}
}

// neverSent tells whether there was not even a connection.
func neverSent(err error) bool {
	network, ok := errors.AsType[*net.OpError](err)
	return ok && network.Op == "dial"
}

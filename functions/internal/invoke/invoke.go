// Package invoke calls one function from another. It is apart from boot, because only the
// portal calls one and the client would weigh 0.6 MB in ingest.
package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// ErrFunction is matched by an error that the called function returned.
var ErrFunction = errors.New("invoke: the called function failed")

// Function returns the deployed function of that name as a Go function: it waits for the
// answer and decodes it. The call is synchronous, so nothing retries it but the caller.
func Function[Request, Report any](function string) func(context.Context, Request) (Report, error) {
	return func(ctx context.Context, request Request) (Report, error) {
		var report Report
		payload, err := json.Marshal(request)
		if err != nil {
			return report, fmt.Errorf("invoke: encode the call of %s: %w", function, err)
		}
		settings, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return report, fmt.Errorf("invoke: AWS configuration: %w", err)
		}
		out, err := lambda.NewFromConfig(settings).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
		if err != nil {
			return report, fmt.Errorf("invoke: call %s: %w", function, err)
		}
		if out.FunctionError != nil {
			// The payload is the function's own error text, which holds no personal data.
			return report, fmt.Errorf("%w: %s: %s: %s", ErrFunction, function, aws.ToString(out.FunctionError), out.Payload)
		}
		if err := json.Unmarshal(out.Payload, &report); err != nil {
			return report, fmt.Errorf("invoke: decode the answer of %s: %w", function, err)
		}
		return report, nil
	}
}

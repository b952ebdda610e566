package boot

import (
	"context"
	"crypto/md5" //nolint:gosec // G501: the checksum that SQS answers with, no signature
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
	"github.com/leadlake/leadlake/lib/webhook"
)

// errAnswer is a success that names another message, or none.
var errAnswer = errors.New("boot: the queue's answer does not fit the message")

// Sender returns how to put a message into a queue. It returns nil only after the
// queue named the message's checksum, and then the message is stored on several
// machines. After an error it may be in the queue all the same. A queue that does not
// answer or is busy is a [webhook.ErrUnavailable].
func Sender(client *awsjson.Client, queue string) func(ctx context.Context, message string) error {
	operation := awsjson.Operation{Service: "sqs", Target: "AmazonSQS.SendMessage", Version: "1.0"}
	return func(ctx context.Context, message string) error {
		in := struct{ QueueUrl, MessageBody string }{queue, message}
		var out struct{ MessageId, MD5OfMessageBody string }
		if err := client.Call(ctx, operation, queue, in, &out); err != nil {
			if errors.Is(err, awsjson.ErrTemporary) {
				err = fmt.Errorf("%w: %w", webhook.ErrUnavailable, err)
			}
			return fmt.Errorf("boot: send to the queue: %w", err)
		}
		sum := md5.Sum([]byte(message)) //nolint:gosec // G401: as above
		if out.MessageId == "" || out.MD5OfMessageBody != hex.EncodeToString(sum[:]) {
			return errAnswer
		}
		return nil
	}
}

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"
)

// List prices of AWS in US dollars, us-east-1, first tier, no free tier, as of
// November 2026. The pages: "Amazon S3 pricing" (Requests & data retrievals,
// S3 Standard), "AWS Lambda Pricing" (Arm price, duration and requests), "Amazon
// SQS pricing" (standard queues), "Amazon API Gateway pricing" (HTTP APIs). Other
// regions cost up to a fifth more.
const (
	pricePut      = 0.005 / 1000     // a PUT, LIST
	priceGet      = 0.0004 / 1000    // a GET, HEAD
	priceGBSecond = 0.0000133334     // Lambda on arm64
	priceInvoke   = 0.20 / 1e6       // a Lambda request
	priceQueue    = 0.40 / 1e6       // an SQS request of up to 64 KiB
	priceHTTPAPI  = 1.00 / 1e6       // an HTTP API request of up to 512 KB
	fullCoreMB    = 1769.0           // memory at which Lambda gives one whole core (its documentation, "Configure function memory")
	receiveBatch  = 10.0             // messages of one ReceiveMessage or DeleteMessageBatch request
	million       = 1e6              // deliveries
	queueSend     = 1.0              // SendMessage requests for a delivery
	megabyteInGB  = 1.0 / 1024       // of a MB in GB as Lambda counts
	billedUnit    = time.Millisecond // Lambda bills whole milliseconds
)

// costFlags are what cannot be measured without AWS, as assumptions.
type costFlags struct {
	memory  float64
	s3Wait  time.Duration
	sqsWait time.Duration
	batch   float64
}

func costCommand(ctx context.Context, out io.Writer, args []string) error {
	var o costFlags
	f := flag.NewFlagSet("cost", flag.ContinueOnError)
	f.Float64Var(&o.memory, "memory", 256, "memory of the function in MB, as template.yaml has it")
	f.DurationVar(&o.s3Wait, "s3-wait", 30*time.Millisecond, "assumed: time of one S3 PUT seen from Lambda")
	f.DurationVar(&o.sqsWait, "sqs-wait", 8*time.Millisecond, "assumed: time of one SQS SendMessage seen from Lambda")
	f.Float64Var(&o.batch, "batch", 500, "deliveries that the consumer stores as one object")
	deliveries := f.Int("deliveries", 3000, "deliveries measured")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	if o.memory < 128 || o.batch < 1 || *deliveries < 1 {
		return fmt.Errorf("%w: memory is at least 128, batch and deliveries at least 1", errUsage)
	}
	found, err := measureFunction(ctx, 1, *deliveries)
	if err != nil {
		return err
	}
	r := newReport("cost", args)
	describeWarm(r, found)
	cpu := found.cpu
	if !found.known {
		cpu = found.wall // more than it is, since nothing waits here
	}
	single, queued := o.paths(cpu, found.puts, found.gets)
	single.describe(r, "one object a delivery")
	queued.describe(r, "through SQS")
	r.say("assumed, not measured", fmt.Sprintf("S3 PUT %s, SQS send %s; %.0f deliveries an object; the consumer takes no more CPU for a delivery than the function that receives it", o.s3Wait, o.sqsWait, o.batch))
	return r.print(out, *asJSON)
}

// bill is what a million deliveries cost, in dollars.
type bill struct {
	api, invocations, duration, puts, gets, queue float64
}

func (b bill) total() float64 {
	return b.api + b.invocations + b.duration + b.puts + b.gets + b.queue
}

// paths bills a million deliveries on both paths.
//
// One object a delivery: API + one invocation of CPU and one PUT's wait + the
// requests to S3 that were counted.
//
// Through SQS: API + one invocation of CPU and one send's wait + SendMessage, and
// a tenth of a receive and of a delete + the consumer's invocations, its CPU and
// one PUT's wait and PUT for each batch.
func (o costFlags) paths(cpu time.Duration, puts, gets float64) (single, queued bill) {
	single = bill{
		api: million * priceHTTPAPI, invocations: million * priceInvoke,
		duration: million * o.duration(cpu, o.s3Wait), puts: million * puts * pricePut, gets: million * gets * priceGet,
	}
	batches := million / o.batch
	queued = bill{
		api: million * priceHTTPAPI, invocations: (million + batches) * priceInvoke,
		duration: million*o.duration(cpu, o.sqsWait) + batches*o.duration(time.Duration(float64(cpu)*o.batch), o.s3Wait),
		puts:     batches * pricePut, gets: million * gets * priceGet,
		queue: million * (queueSend + 2/receiveBatch) * priceQueue,
	}
	return single, queued
}

// duration is the price of one invocation: less memory is a smaller part of a
// core, so the work takes longer; the wait does not.
func (o costFlags) duration(cpu, wait time.Duration) float64 {
	took := time.Duration(float64(cpu)*max(1, fullCoreMB/o.memory)) + wait
	billed := (took + billedUnit - 1).Truncate(billedUnit)
	return billed.Seconds() * o.memory * megabyteInGB * priceGBSecond
}

func (b bill) describe(r *report, path string) {
	for _, part := range []struct {
		name  string
		price float64
	}{{"HTTP API", b.api}, {"Lambda requests", b.invocations}, {"Lambda duration", b.duration}, {"S3 PUTs", b.puts}, {"S3 GETs", b.gets}, {"SQS", b.queue}} {
		if part.price > 0.00005 {
			r.add(path+": "+part.name, part.price, "$ a million")
		}
	}
	r.add(path+": all of it", b.total(), "$ a million")
}

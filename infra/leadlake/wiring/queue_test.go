package wiring_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// With IngestPath: direct, the default, there is no queue and nothing that costs or
// grants anything for one.
func TestTheQueueExistsByChoiceOnly(t *testing.T) {
	got := map[string]string{}
	for _, kind := range []string{
		"AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Alarm", "AWS::Serverless::Function", "AWS::Logs::LogGroup",
	} {
		for id, resource := range resources(t, kind) {
			if condition := at(resource, "Condition"); condition != nil {
				got[id] = condition.Value
			}
		}
	}
	want := map[string]string{
		"DeliveryQueue": "HasQueue", "DeadDeliveryQueue": "HasQueue", "DeliveryQueuePolicy": "HasQueue", "DeliveryBatches": "HasQueue",
		"QueueFunction": "HasQueue", "QueueLog": "HasQueue", "DeadDeliveryAlarm": "HasQueueAlarm", "LateDeliveryAlarm": "HasQueueAlarm", "FailedAlarm": "HasAlarm",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions of resources (-want +got):\n%s", diff)
	}

	document := parsed(t)
	path := at(document, "Parameters", "IngestPath")
	if at(path, "Default").Value != "direct" || !slices.Equal(flat(at(path, "AllowedValues")), []string{"direct", "queue", "drain"}) {
		t.Errorf("IngestPath: default %s of %v", at(path, "Default").Value, flat(at(path, "AllowedValues")))
	}
	conditions := at(document, "Conditions")
	// What waits is still stored while nothing is sent any more.
	for id, want := range map[string][]string{"HasQueue": {"IngestPath", "direct"}, "SendsToQueue": {"IngestPath", "queue"}, "HasQueueAlarm": {"HasQueue", "HasAlarm"}} {
		if got := flat(at(conditions, id)); !slices.Equal(got, want) {
			t.Errorf("condition %s of %v, want %v", id, got, want)
		}
	}
	ingest := resources(t, "AWS::Serverless::Function")["IngestFunction"]
	if got := flat(at(ingest, "Properties", "Environment", "Variables", "LEADLAKE_QUEUE")); !slices.Equal(got, []string{"SendsToQueue", "DeliveryQueue", ""}) {
		t.Errorf("LEADLAKE_QUEUE of ingest = %v", got)
	}
	for _, statement := range list(at(ingest, "Properties", "Policies", "0", "Statement")) {
		if statement.Tag == "!If" && list(statement)[0].Value == "HasQueue" {
			t.Error("ingest may send to a queue that it does not use")
		}
	}
}

func TestAMessageIsNotLostOnItsWay(t *testing.T) {
	queues := resources(t, "AWS::SQS::Queue")
	queue, dead := at(queues["DeliveryQueue"], "Properties"), at(queues["DeadDeliveryQueue"], "Properties")
	mapping := at(resources(t, "AWS::Lambda::EventSourceMapping")["DeliveryBatches"], "Properties")
	function := resources(t, "AWS::Serverless::Function")["QueueFunction"]

	if got := flat(at(mapping, "EventSourceArn")); !slices.Equal(got, []string{"DeliveryQueue.Arn"}) {
		t.Errorf("batches come from %v", got)
	}
	if got := flat(at(mapping, "FunctionResponseTypes")); !slices.Equal(got, []string{"ReportBatchItemFailures"}) {
		t.Errorf("response types %v: one unreadable message would bring back the whole batch, for ever", got)
	}
	window := number(t, mapping, "MaximumBatchingWindowInSeconds")
	if size := number(t, mapping, "BatchSize"); size > 10 && window < 1 {
		t.Errorf("a batch of %d without a window is refused", size)
	}
	if concurrency := number(t, mapping, "ScalingConfig", "MaximumConcurrency"); concurrency < 2 || at(function, "Properties", "ReservedConcurrentExecutions") != nil {
		t.Errorf("maximum concurrency %d, want at least 2 and no reserved concurrency beside it", concurrency)
	}
	// Lambda's own rule: less, and a message is handed out again while it is being stored.
	timeout := number(t, function, "Properties", "Timeout")
	visible := number(t, queue, "VisibilityTimeout")
	if visible < 6*timeout+window {
		t.Errorf("visibility time-out %d s, want at least %d", visible, 6*timeout+window)
	}
	redrive := at(queue, "RedrivePolicy")
	if got := flat(at(redrive, "deadLetterTargetArn")); !slices.Equal(got, []string{"DeadDeliveryQueue.Arn"}) {
		t.Errorf("dead letters go to %v", got)
	}
	if patience := visible * number(t, redrive, "maxReceiveCount"); patience < 2*60*60 {
		t.Errorf("a bucket that refuses for %d s parks good deliveries, want 2 h", patience)
	}
	for name, properties := range map[string]*yaml.Node{"DeliveryQueue": queue, "DeadDeliveryQueue": dead} {
		// A parked message keeps its first time, so less below would be less in all.
		if got := number(t, properties, "MessageRetentionPeriod"); got != 14*24*60*60 {
			t.Errorf("%s keeps messages for %d s, want the 14 days that SQS can", name, got)
		}
		if got := number(t, properties, "MaximumMessageSize"); got != 256<<10 {
			t.Errorf("%s takes messages of %d bytes; lake.MaxMessage is 256 KiB", name, got)
		}
		if got := flat(at(properties, "KmsMasterKeyId")); !slices.Equal(got, []string{"HasKey", "KmsKeyArn", "AWS::NoValue"}) {
			t.Errorf("%s: key %v", name, got)
		}
		if got := flat(at(properties, "SqsManagedSseEnabled")); !slices.Equal(got, []string{"HasKey", "AWS::NoValue", "true"}) {
			t.Errorf("%s: encryption without a key %v", name, got)
		}
		if policy := at(queues[name], "DeletionPolicy"); policy == nil || policy.Value != "Retain" {
			t.Errorf("%s and what waits in it would be deleted with its condition", name)
		}
	}
	statement := at(resources(t, "AWS::SQS::QueuePolicy")["DeliveryQueuePolicy"], "Properties", "PolicyDocument", "Statement", "0")
	if got := flat(statement); !slices.Contains(got, "Deny") || !slices.Contains(got, "aws:SecureTransport") || !slices.Contains(got, "DeadDeliveryQueue.Arn") {
		t.Errorf("the queues take requests in clear: %v", got)
	}
}

func TestSomebodyHearsOfParkedAndLateDeliveries(t *testing.T) {
	alarms := resources(t, "AWS::CloudWatch::Alarm")
	for id, want := range map[string][2]string{
		"FailedAlarm":       {"ApproximateNumberOfMessagesVisible", "FailedQueue.QueueName"},
		"DeadDeliveryAlarm": {"ApproximateNumberOfMessagesVisible", "DeadDeliveryQueue.QueueName"},
		"LateDeliveryAlarm": {"ApproximateAgeOfOldestMessage", "DeliveryQueue.QueueName"},
	} {
		properties := at(alarms[id], "Properties")
		got := [2]string{at(properties, "MetricName").Value, at(properties, "Dimensions", "0", "Value").Value}
		if got != want || at(properties, "Namespace").Value != "AWS/SQS" || !slices.Equal(flat(at(properties, "AlarmActions")), []string{"AlarmTopicArn"}) {
			t.Errorf("%s watches %v, want %v", id, got, want)
		}
	}
	if len(alarms) != 3 {
		t.Errorf("%d alarms, want 3", len(alarms))
	}
}

func number(t *testing.T, node *yaml.Node, names ...string) int {
	t.Helper()
	value := at(node, names...)
	if value == nil {
		t.Fatalf("no %v", names)
	}
	n, err := strconv.Atoi(value.Value)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parsed(t *testing.T) *yaml.Node {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

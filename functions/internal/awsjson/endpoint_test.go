package awsjson

import "testing"

func TestServicesListenInTheRegion(t *testing.T) {
	client := New(func(name string) string {
		return map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com"}[name]
	})
	for _, c := range []struct{ service, region, address, want string }{
		{"ssm", "eu-west-1", "", "https://ssm.eu-west-1.amazonaws.com/"},
		{"ssm", "cn-north-1", "", "https://ssm.cn-north-1.amazonaws.com.cn/"},
		{"secretsmanager", "eu-west-1", "", "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com/"},
		{"sqs", "eu-west-1", "https://sqs.eu-west-1.amazonaws.com/1/q", "https://sqs.eu-west-1.amazonaws.com/"},
	} {
		if got, err := client.endpoint(c.service, c.region, c.address); got != c.want || err != nil {
			t.Errorf("endpoint(%s, %s, %s) = %s, %v, want %s", c.service, c.region, c.address, got, err, c.want)
		}
	}
	if _, err := client.endpoint("ssm", "", ""); err == nil {
		t.Error("a service without a region has an address")
	}
}

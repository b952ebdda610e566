package schema_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// The digest is that of an arm64 machine. Half of the groups of eight are four equal
// values and four other equal ones, which processors with AVX2 once encoded otherwise.
func TestATableHasTheSameBytesOnEveryMachine(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 8))
	rows := make([]schema.ConsentStateRow, 20_000)
	state, left := "given", 0
	for i := range rows {
		if left == 0 {
			left = 4 * (1 + random.IntN(3))
			state = []string{"given", "withdrawn"}[random.IntN(2)]
		}
		left--
		rows[i] = schema.ConsentStateRow{
			ClientID: fmt.Sprintf("c%06d", i/3), Purpose: "ads", State: state, At: time.UnixMicro(int64(random.IntN(1 << 40))).UTC(),
			TextVersion: strconv.Itoa(random.IntN(3)), Evidence: "form", EventID: strconv.Itoa(i),
		}
	}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	const want = "3527e485b8de53e9a44bfda5ba8c0a8c074a4a221360a8cbead2fa294b4aa2d5"
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
		t.Errorf("SHA-256 of the table = %x, want %s", sum, want)
	}
}

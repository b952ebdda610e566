package handover

import (
	"encoding/hex"

	"github.com/leadlake/leadlake/lib/audience"
)

// NeutralName names a segment without telling what it is about: "list-" and eight
// hexadecimal digits of a sum keyed by the deployment's secret, as identity.Key
// makes it. It is the same every night, and nobody without the key can try words
// until one fits.
func NeutralName(sum func(kind, text string) [32]byte, segment string) string {
	digest := sum("list", segment)
	return "list-" + hex.EncodeToString(digest[:4])
}

// sensitiveText is said where a file would be. Manifests lie in the bucket, so it
// does not say which word it was.
func sensitiveText() *audience.Text {
	return &audience.Text{
		RU: "Чувствительная тема: рекламным площадкам такой список не передаётся. Разрешить может владелец: unlock: true у этой выгрузки в config/leadlake.yaml.",
		EN: "A sensitive subject: no such list goes to advertising platforms. The owner may allow it by unlock: true of this export in config/leadlake.yaml.",
	}
}

func uncountedText() *audience.Text {
	return &audience.Text{
		RU: "Кого исключить, ещё не известно: сегмент из exclude новый или его правило изменилось. Файл появится после ночного расчёта.",
		EN: "Whom to exclude is not known yet: a segment of exclude is new or its rule has changed. There will be a file after the next night.",
	}
}

package objstore

import (
	"fmt"
	"strings"
	"unicode"
)

// Attachment returns the Content-Disposition header (RFC 6266) that makes a browser
// save a download as fileName: an ASCII form for old clients and, where that
// differs, the name in UTF-8. Characters that have a meaning in paths, headers or
// shells become "_"; an empty name becomes "download".
func Attachment(fileName string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(`/\:*?"<>|`, r) || r == unicode.ReplacementChar {
			return '_'
		}
		return r
	}, fileName)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if name == "" {
		name = "download"
	}
	plain := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || r == '%' {
			return '_'
		}
		return r
	}, name)
	header := fmt.Sprintf(`attachment; filename="%s"`, plain)
	if plain == name {
		return header
	}
	return header + "; filename*=UTF-8''" + percent(name)
}

// percent escapes all but the unreserved characters of RFC 3986, which are a part
// of the attr-char of RFC 8187.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

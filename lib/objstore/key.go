package objstore

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxKeyBytes     = 1024
	maxSegmentBytes = 200
)

// CheckKey returns an error that matches [ErrKey] unless key may name an object
// in every store. A key is one or more segments joined by single slashes; it has
// at most 1,024 bytes, a segment at most 200. It is valid UTF-8 without control
// characters (NUL among them), has no slash at either end, and no segment is "."
// or "..". The error gives the reason without the key, which may be anything.
func CheckKey(key string) error {
	if err := checkText(key); err != nil {
		return err
	}
	for segment := range strings.SplitSeq(key, "/") {
		if err := checkSegment(segment); err != nil {
			return err
		}
	}
	return nil
}

// CheckPrefix is [CheckKey] for the prefix of a listing, which may be empty, end
// in a slash or end inside a segment.
func CheckPrefix(prefix string) error {
	if err := checkText(prefix); err != nil {
		return err
	}
	rest := prefix
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if err := CheckKey(prefix[:i]); err != nil {
			return err
		}
		rest = prefix[i+1:]
	}
	if len(rest) > maxSegmentBytes {
		return fmt.Errorf("%w: segment over %d bytes", ErrKey, maxSegmentBytes)
	}
	return nil
}

func checkText(s string) error {
	switch {
	case len(s) > maxKeyBytes:
		return fmt.Errorf("%w: over %d bytes", ErrKey, maxKeyBytes)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: not UTF-8", ErrKey)
	case strings.ContainsFunc(s, unstorable):
		return fmt.Errorf("%w: control character", ErrKey)
	}
	return nil
}

// unstorable tells control characters and the two code points that XML, in which
// S3 lists keys, cannot hold.
func unstorable(r rune) bool {
	return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF
}

func checkSegment(segment string) error {
	switch {
	case segment == "":
		return fmt.Errorf("%w: empty segment", ErrKey)
	case segment == "." || segment == "..":
		return fmt.Errorf("%w: relative segment", ErrKey)
	case len(segment) > maxSegmentBytes:
		return fmt.Errorf("%w: segment over %d bytes", ErrKey, maxSegmentBytes)
	}
	return nil
}

package filestore

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// How a key becomes a path. Each segment is one name, escaped only where two keys
// would otherwise meet in one file, on any file system:
//
//   - a folder's name has no dot and a file's name has one, so "a" and "a/b" can
//     stand side by side: dots in folders are written %2e, and ".%" is appended to
//     a file's name without a dot. Names such as asof=2026-01-01, run=x and
//     part-0000.parquet are untouched;
//   - capitals and all that is not ASCII are escaped byte by byte, since file systems
//     may fold case and Unicode forms;
//   - so are %, characters that Windows forbids, a leading dot (temporary files and
//     the lock), a trailing space or dot, and the first letter of names that
//     Windows keeps for devices;
//   - a name too long for a file system continues in a folder: abc…%+/…xyz.

const (
	fileMark  = ".%"
	chainMark = "%+"
	maxName   = 240 // bytes of one name; file systems allow 255
)

// pathsOf returns where an object may be: at its escaped path, where it is written,
// and where it was put by hand under its own name, if that is another one.
func pathsOf(key string) []string {
	escaped := pathOf(key)
	if key == escaped || !filepath.IsLocal(filepath.FromSlash(key)) || !plainPath(key) {
		return []string{escaped}
	}
	return []string{escaped, key}
}

// plainPath tells whether every segment of key can be a name as it is.
func plainPath(key string) bool {
	for segment := range strings.SplitSeq(key, "/") {
		if !plainName(segment) {
			return false
		}
	}
	return true
}

// plainName tells whether a name found on the disk may stand for itself in a key.
// Escapes, dot files and what Windows would read as something else may not.
func plainName(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "%\\:")
}

func pathOf(key string) string {
	if isEscaped(key) {
		return key
	}
	segments := strings.Split(key, "/")
	last := len(segments) - 1
	names := make([]string, 0, len(segments))
	for i, segment := range segments {
		names = append(names, chain(escape(segment, i == last))...)
	}
	return strings.Join(names, "/")
}

// isEscaped tells whether key is its own path, which most keys are.
func isEscaped(key string) bool {
	for {
		segment, rest, more := strings.Cut(key, "/")
		if len(segment) > maxName || (!more && !strings.Contains(segment, ".")) {
			return false
		}
		for i := range len(segment) {
			if escapes(segment, i, !more) {
				return false
			}
		}
		if !more {
			return true
		}
		key = rest
	}
}

// escape returns the name of a segment, however long.
func escape(segment string, isFile bool) string {
	var b strings.Builder
	for i, c := range []byte(segment) {
		if escapes(segment, i, isFile) {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	if isFile && !strings.Contains(b.String(), ".") {
		b.WriteString(fileMark)
	}
	return b.String()
}

func escapes(segment string, i int, isFile bool) bool {
	switch c := segment[i]; {
	case c == '.':
		return !isFile || i == 0 || i == len(segment)-1
	case c == ' ':
		return i == len(segment)-1
	case c >= 'A' && c <= 'Z', c >= 0x7f, strings.IndexByte(`%\:*?"<>|`, c) >= 0:
		return true
	default:
		return i == 0 && isDevice(segment)
	}
}

// isDevice tells whether Windows takes the name, whatever follows its first dot,
// for a device.
func isDevice(segment string) bool {
	stem, _, _ := strings.Cut(segment, ".")
	stem = strings.TrimRight(stem, " ")
	if slices.Contains([]string{"con", "prn", "aux", "nul"}, stem) {
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && stem[3] >= '0' && stem[3] <= '9'
}

// chain cuts a name that is too long into folders that end in chainMark, which no
// escaped name does, and the rest. It never cuts inside an escape or before a dot.
func chain(name string) []string {
	var parts []string
	for len(name) > maxName {
		cut := maxName - len(chainMark)
		for name[cut] == '.' {
			cut--
		}
		for back := 1; back <= 2; back++ {
			if name[cut-back] == '%' {
				cut -= back
				break
			}
		}
		parts = append(parts, name[:cut]+chainMark)
		name = name[cut:]
	}
	return append(parts, name)
}

// unescape is the inverse of escape and chain: the segment whose name was cut into
// pending, each part followed by a slash, and name. ok is false if that is not how
// a segment is written.
func unescape(pending, name string, isFile bool) (segment string, ok bool) {
	whole := strings.ReplaceAll(pending, "/", "") + name
	raw := whole
	if isFile {
		raw = strings.TrimSuffix(raw, fileMark)
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			b.WriteByte(raw[i])
			continue
		}
		if i+2 >= len(raw) {
			return "", false
		}
		c, err := hex.DecodeString(raw[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.WriteByte(c[0])
		i += 2
	}
	segment = b.String()
	if escape(segment, isFile) != whole {
		return "", false
	}
	parts := chain(whole)
	return segment, strings.ReplaceAll(strings.Join(parts, "/"), chainMark+"/", "/") == pending+name
}

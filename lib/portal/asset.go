package portal

import (
	"crypto/sha256"
	_ "embed" // the style sheet and the icon
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets/portal.css
var portalCSS string

//go:embed assets/icon.svg
var iconSVG string

const (
	styleSheet = "portal.css"
	icon       = "icon.svg"
)

// assets are the files beside the pages. Their names carry a hash of their
// content, so that browsers may keep them for ever.
type assets struct {
	content map[string]string // hashed name → content
	hashed  map[string]string // plain name → hashed name
}

func styles() string { return portalCSS + heatCSS() }

func newAssets() assets {
	a := assets{content: map[string]string{}, hashed: map[string]string{}}
	for name, content := range map[string]string{styleSheet: styles(), icon: iconSVG} {
		sum := sha256.Sum256([]byte(content))
		extension := path.Ext(name)
		hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
		a.content[hashed], a.hashed[name] = content, hashed
	}
	return a
}

// path is where a browser finds an asset.
func (a assets) path(name string) string { return "/assets/" + a.hashed[name] }

func (p *Portal) asset(v *visit) error {
	name := v.r.PathValue("file")
	content, ok := p.assets.content[name]
	if !ok {
		return ErrNotFound
	}
	kind := "text/css; charset=utf-8"
	if path.Ext(name) == ".svg" {
		kind = "image/svg+xml"
	}
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write([]byte(content)) // a reader who has left cannot be told
	return nil
}

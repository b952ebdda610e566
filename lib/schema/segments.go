package schema

// SegmentCatalogueRow describes a segment of a night and counts it
// (gold/segment_catalogue), in the order in which segments are shown: the owner's
// own first, then family by family. Segments that nobody is in and nobody left are
// listed only where they are the owner's.
type SegmentCatalogueRow struct {
	Segment      string `parquet:"segment"`
	Family       string `parquet:"family,dict"` // own for the owner's rules
	TitleRU      string `parquet:"title_ru"`
	TitleEN      string `parquet:"title_en"`
	AboutRU      string `parquet:"about_ru"`
	AboutEN      string `parquet:"about_en"`
	Rule         string `parquet:"rule"` // CEL over the columns of clients
	Clients      int64  `parquet:"clients"`
	RevenueMinor int64  `parquet:"revenue_minor"`
	Entered      *int64 `parquet:"entered"` // since the predecessor run; null without one
	Left         *int64 `parquet:"left"`
}

// Table implements Row.
func (SegmentCatalogueRow) Table() string { return "segment_catalogue" }

// Personal implements Row.
func (SegmentCatalogueRow) Personal() []string { return nil }

package demoshop

// Config is config/leadlake.yaml of the demo. Its sources are open, since the
// demo listens on loopback only and has no secrets to keep.
func Config() []byte { return []byte(configuration) }

// SmallSegment is a segment that is meant to be too small for the platforms that
// state a minimum, AllBuyers one that is large enough for each.
const (
	AllBuyers    = "buyers"
	SmallSegment = "big_new"
)

const configuration = `# The coffee house of ` + "`leadlake demo`" + `. Everything in it is invented.
business:
  name: Кофейня «Зерно»
  currency: RUB
  timezone: Europe/Moscow
  country: RU
  language: ru
  rates: {USD: "90.00"} # euros have no rate on purpose: their money is shown apart

sources:
  - name: site
    kind: json
    shop: main
    origins: [https://zerno.example]
    consents: [{purpose: ads, field: consent, text_version: 2026-03}]
  - name: forms
    kind: tilda
    shop: main
    map: {city: city}
    consents: [{purpose: ads, field: Checkbox, equals: "yes", text_version: 2026-03}]
    required: [name, phone]
  - name: landing
    kind: form
    shop: main
    consents: [{purpose: ads, field: consent, text_version: 2026-03}]
    required: [name, phone]
  - name: crm
    kind: json
    shop: main
    required: [phone]
  - name: costs
    kind: json

metrics:
  rfm: {groups: 3, method: quantile, frequency: orders, monetary: sum, window_days: 0}
  abc: {method: money_share, a: 0.80, b: 0.95}
  churn_days: 90

funnel: [lead, first_contact, visited, won]

exports:
  - {segment: buyers, platforms: [yandex, vk, google]}
  - {segment: champions, platforms: [yandex, vk, google]}
  - {segment: cant_lose, platforms: [yandex, vk, csv]}
  - {segment: big_new, platforms: [yandex, vk, google]} # too small on purpose: shows how a minimum refuses

managers:
  olga: {title: Ольга}
  ivan: {title: Иван}
`

package handover

import (
	"slices"
	"strings"
	"unicode"
)

// A sensitive word of the built-in list is a stem: it counts where a word begins
// with it. One after "=" is a whole word, one after "!" a whole word in these letters
// and not in Latin ones, where it would mean something else; one after "*" counts
// anywhere in a word.
// The subjects are those that law and the advertising platforms name: health, money
// troubles, religion, politics, sexual life, criminal record (152-FZ, article 10;
// GDPR, articles 9 and 10; Google Ads, "Personalized advertising": personal
// hardships). Words that shops use for plain goods are left out on purpose, such as
// "диагностика" (of cars), "коллектор" (of heating), "партия" (of goods), "escort" (a
// car), and so are those that begin ordinary words: долг is a whole word for the
// sake of "долго".
const builtinWords = `
*гинеколог *уролог *андролог проктолог *венеролог *онколог =онко !рак !рака химиотерап *кардиолог *невролог *эндокринолог *маммолог *стоматолог
*дерматолог *диабет инсулин психи *психотерап *психолог *нарколог *наркоман наркозавис алкоголизм алкоголик алкозавис игроман игромани лудоман
медицин медцентр медуслуг *поликлиник клиник ортопед педиатр *фармац аптек аптеч лекарств рецептурн
болезн больниц =больной =больные =больных *заболеван =здоровье =здоровья =здоровью врач пациент терапевт хирург хоспис реабилитац
беременн бесплод аборт *контрацеп пренатал перинатал менопауз климакс эректил импотен
=вич =спид =зппп =иппп туберкул *гепатит сифилис хламид герпес инвалидн инвалидо =инвалиды !инвалид !инвалида депресс аутизм аутист
*шизофрен *эпилеп деменц альцгеймер паркинсон астма астмат аллерг ожирен анорекс булими протезир *геморро псориаз варикоз простат диагноз
*gynaecolog *gynecolog *urolog *androlog proctolog *venereolog *oncolog =cancer chemotherap *cardiolog *neurolog *endocrinolog *mammolog
*dermatolog *diabet insulin psychi psycho *psychother =addiction =addictions alcoholi medical medicine medicin clinic dentist dental orthopaed orthoped
pediatr paediatr *pharmac prescription disease illness disabilit =health healthcare patient doctor therapist surgeon surger =hospital =hospitals hospice rehabilit
pregnan infertil =ivf abortion *contracept prenatal menopaus erectile impoten =hiv =aids tubercul *hepatit syphilis chlamyd herpes
depress autis *schizophren *epileps dementia alzheimer parkinson asthma allerg obes anorex bulimi hemorrh haemorrh psoria varicos prostat =diagnosis

=долг =долги =долгов =долгам =долга =долгу должник *задолженност банкрот кредит займ =заем заемщик заемн микрозайм *ипотек =ломбард =ломбарды коллекторск
просрочк просроченн неплатежеспос малоимущ малообеспеч
debt bankrupt credit =loan =loans payday mortgage pawnshop foreclos insolv repossess =arrears =income =incomes poverty

религ церк церков православ христиан католи протестант =ислам =ислама исламск мусульман халял кошер иудаи иудей буддизм буддис атеи мечет синагог молитв паломн намаз рамадан =библия =библии библейск =коран =корана
religio =church =churches orthodox christianit =christians catholic protestant muslim islami halal kosher judai jewish buddhis atheis mosque synagog prayer pilgrim ramadan =bible =quran =koran

политическ политик депутат оппозиц профсоюз предвыборн
politic =republican =republicans =democrat =democrats opposition =election =elections =voter =voters tradeunion

секс интим эротик эротич порно =лгбт =гей =геи =геев лесби гомосекс бисекс трансгендер проститу =бдсм презерватив
=sex sexu =sexy sexshop erotic intimate porn =lgbt =gay =gays lesbian homosex bisex transgend fetish =bdsm =condom =condoms prostitut

судим уголовн криминал преступ тюрьм тюрем тюремн осужден арестант =арест
criminal =crime =crimes convict felon prison =jail inmate offender parole
`

// stem is one entry of the built-in list.
type stem struct {
	text            string // as written
	plain           string // in the letters of plainText
	whole, anywhere bool
	asWritten       bool
}

func stems() []stem {
	fields := strings.Fields(builtinWords)
	all := make([]stem, len(fields))
	for i, field := range fields {
		text := strings.TrimLeft(field, "=*!")
		all[i] = stem{text: text, plain: plainText(text), whole: field[0] == '=', anywhere: field[0] == '*', asWritten: field[0] == '!'}
	}
	return all
}

// said is a text as stems look at it.
type said struct{ written, plain []string }

func say(text string) said {
	return said{strings.Fields(lowered(text)), strings.Fields(plainText(text))}
}

// in tells whether one of the words of a text is of the stem.
func (s stem) in(text said) bool {
	if s.asWritten {
		return slices.Contains(text.written, s.text)
	}
	return slices.ContainsFunc(text.plain, func(word string) bool {
		switch {
		case s.whole:
			return word == s.plain
		case s.anywhere:
			return strings.Contains(word, s.plain)
		}
		return strings.HasPrefix(word, s.plain)
	})
}

// lowered is a text in small letters, with е for ё, its words apart by one blank:
// what is neither letter nor digit parts words, and so does a capital after a small
// letter, as in asleepClients.
func lowered(text string) string {
	// й and ё may be two characters each, as macOS writes names of files.
	text = strings.NewReplacer("и\u0306", "й", "И\u0306", "Й", "е\u0308", "ё", "Е\u0308", "Ё").Replace(text)
	var b strings.Builder
	small := false
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if small && unicode.IsUpper(r) {
				b.WriteByte(' ')
			}
			small = unicode.IsLower(r)
			if r = unicode.ToLower(r); r == 'ё' {
				r = 'е'
			}
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
			small = false
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// plainText writes a text as lowered does, Cyrillic letters in Latin, so that a key
// such as asleep-ginekologiya says the same as its title. Where people write a letter
// in several ways one of them is taken for all.
func plainText(text string) string {
	var b strings.Builder
	for _, r := range lowered(text) {
		if latin, ok := latinLetters[r]; ok {
			b.WriteString(latin)
		} else {
			b.WriteRune(r)
		}
	}
	return strings.NewReplacer("kh", "h", "j", "y", "eh", "e").Replace(b.String())
}

var latinLetters = map[rune]string{ //nolint:gochecknoglobals // a constant table
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'й': "y", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "h", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch",
	'ъ': "", 'ы': "y", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya",
}

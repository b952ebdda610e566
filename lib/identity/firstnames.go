package identity

import (
	"strings"
	"sync"
)

// isFirstName reports whether a word, in the form of wordKey, is a first name of
// the list below.
func isFirstName(word string) bool { return firstNames()[word] }

// Made at its first use: who only takes deliveries needs no names.
var firstNames = sync.OnceValue(func() map[string]bool { //nolint:gochecknoglobals // a table that is never changed
	names := map[string]bool{}
	for _, list := range []string{russianFull, russianEveryday, easternNames, latinNames} {
		for name := range strings.FieldsSeq(list) {
			names[name] = true
		}
	}
	return names
})

// Names that are surnames as often ("роман" is none, "мартин", "лев") are left
// out where the surname is the likelier one. All without ё.
const (
	russianFull = `
александр алексей анатолий андрей антон аркадий арсений артем артемий артур афанасий богдан борис вадим валентин валерий василий вениамин
виктор виталий влад владимир владислав владлен всеволод вячеслав гавриил геннадий георгий герман глеб григорий даниил данил данила демид демьян денис
дмитрий добрыня евгений евсей егор елисей емельян ефим захар иван игнат игнатий игорь илларион илья иннокентий иосиф ипполит кирилл клим клавдий
кондрат константин корней кузьма лаврентий лазарь лев леонид леонтий лука любомир макар макарий максим максимилиан марат мариан марк мартин матвей милан
мирон мирослав митрофан михаил модест моисей мстислав назар наум нестор никита никифор никодим николай никон олег онисим орест осип остап павел
панкрат петр платон прокофий прохор радислав ратмир ренат ринат роберт родион роман ростислав рудольф руслан савва савелий самуил святослав севастьян
семен серафим сергей сидор сила соломон спартак станислав степан стефан тарас терентий тимофей тимур тихон трифон трофим фаддей федор федот феликс
феодор филипп фома харитон христофор эдгар эдуард эльдар эмиль эрик эрнест юлиан юлий юрий юстин яков ян ярослав
августа агата агафья аглая агния ада аделина адель аида алевтина александра алена алеся алина алиса алла альбина альвина амалия анастасия ангелина
анжела анжелика анисья анита анна антонина анфиса ариадна арина арсения ася аурелия белла берта богдана валентина валерия варвара василиса вера вероника
веста виктория виолетта виталина владислава власта галина гелена генриетта глафира дана дарина дарья диана дина динара доминика ева евгения евдокия
евпраксия екатерина елена елизавета есения ефросинья жанна зарина земфира зинаида злата зоя иветта илона инга инесса инна иоанна ирина ирма
камилла капитолина каролина кира клавдия клара кристина ксения лада лариса леся лиана лидия лика лилиана лилия лина лия лолита луиза любовь людмила
майя маргарита марианна марина мария марта марфа матрена мелания милана милена мира мирослава мирра моника надежда наина наталия наталья нелли ника
николь нина нинель нонна оксана октябрина олеся ольга пелагея полина прасковья рада раиса регина рената римма рина роза роксана руслана руфина сабина
саша светлана серафима снежана софия софья стефания сусанна таисия тамара татьяна ульяна устинья фаина фатима федосья фекла элеонора элина элла эльвира
эльза эмилия эмма эрика юлиана юлия юнона ядвига яна янина ярослава`

	russianEveryday = `
саша шура саня сашка шурик леша алеша толя андрюша антоша тоша аркаша сеня сенька тема тимоша боря вадик валек валера вася вен витя виталик вова володя
вовчик владик слава славик гена гоша жора гриша даня данька денчик дима димон митя женя жека гера захарка ваня ванька гарик игорек илюша кеша осик
кирюша костя кузя лева леня макс матюша миша мишка мирон никитка коля колян ника олежка паша пашка петя петька родя рома ромка савушка сема сережа серега
стас степа тарасик федя филя эдик юра юрик яша ярик рустик тимка
настя настюша стася аня анюта анечка нюра нюша аська геля лика тося варя вероничка вика лера галя даша дашка дашуля диана дуся катя катюша катерина
лена леночка лиза лизонька женечка зина ира иришка иринка инночка капа кристя ксюша лара лида лиля лиля люба любаша люда люся мила рита марго маруся маша
машенька марийка надя наташа ната таша нелля оля оленька ольгуша поля полинка рая света светик соня сонечка тая тома таня танюша уля юля юлечка юляша
яночка эля аленка арина тася верочка ниночка томочка`

	easternNames = `
абдулла абдурахман абдул абид абу адам адил адиль адылбек азамат азат айбек айдар айрат айтен акмаль акрам алан али алибек алим алихан алишер алмаз
альберт амин амир анвар арам арман армен арсен арслан артак артаваз артуш асан аслан аслам асхат ашот аяз аян бахтияр бахтиер бахром бауыржан бауржан
баходир бекзат бобур булат вазген ваге вахтанг вели вугар гагик гамлет гарник гасан гиви гия гор грант григор гурген гусейн дамир даниэль данияр даурен
джамал джамшид дильшод дмитро достон ербол ерлан ержан ерболат жандос жасур жахонгир заза заур зафар зиед зураб ибрагим идрис ильгар ильгиз ильдар
ильнар ильнур ильхом ильшат имран ирек искандер ислам исмаил кайрат камиль камран карен карим каха кахрамон керим комил леван лачин магомед мамед
мамука мансур марсель махмуд мейрам мехмет мурад мурат муса мустафа мухаммад мухаммед назим наиль нариман насиб низами нодар нурбек нурлан нурсултан
олжас омар отабек отар павло рамазан рамиз рамиль расим расул рауф рафаэль рафик рахим рахмон рашид ренат рифат ришат рубен рустам рустем сабир саид
салават самвел сардор санжар сафар серик сархан спандар сурен сухроб талгат тамерлан тариэль тельман тигран тимурлан тофик улугбек умар умид фарид фархад
фаррух фазиль фируз хаким халид хачик хусейн шамиль шавкат шерзод шота шухрат эдвард эльман эльнур эльшан эмин эмир юсуф юсиф
адиля азиза айгуль айгерим айнура айсель айша акмарал алия алсу альфия аида амина анаит ануш аружан асель асем асия аяна барно ботагоз венера гаяне
гузель гулжан гуля гульмира гульназ гульнара гульнур гульшат дана дильбар дильноза диляра динара жамиля жанар жанна жулдыз зара замира зарема зульфия
илюза индира ирада камила камиля карина карине кумыс лейла лала лаура лола луиза мадина малика марал мариам марьям мафтуна мээрим мехрибан миляуша
мунира нагима нази назгуль назира нана нани наргиза наргис насиба нигора нино нодира нурия нуржан русудан рушана сабина саида салтанат сание самира
севара севиль севда сымбат тамилла туркан умида фарида фируза фатима хатуна шахноза шушан эка элеонора эльмира эльнара ясмин ясмина этери`

	latinNames = `
aaron abigail adam adrian aidan alan albert alexander alexandra alexis alfred alice alison allison amanda amber amelia amy andrea andrew angela angelina
anita ann anna annabel anne annie anthony antonio arthur ashley audrey austin barbara beatrice benjamin bernard beth bethany betty bill bob brandon brenda
brian bridget bruce bryan caitlin camille carl carla carlos carmen carol caroline catherine cecilia charles charlotte cheryl chloe chris christian
christina christine christopher claire clara claudia colin connor craig cynthia daniel danielle david deborah denise dennis derek diana diane diego dominic
donald donna dorothy douglas dylan edward eileen elena eleanor elizabeth ella ellen emily emma eric erica erik ethan eugene eva evelyn felix fiona frances
francis frank fred frederick gabriel gabriella gareth gary george gerald gloria grace graham greg gregory hannah harold harry heather heidi helen helena
henry howard hugh ian irene isaac isabel isabella ivan jack jacob jacqueline james jane janet janice jason jean jeff jeffrey jennifer jeremy jerry jessica
jill jim joan joanna joe john jonathan jose joseph joshua joyce juan judith judy julia julian julie justin karen karl kate katherine kathleen kathryn katie
keith kelly kenneth kevin kim kimberly kirsten kyle laura lauren laurence lawrence leo leonard lily linda lisa liza louis louise lucas lucia lucy luis luke
lydia madison manuel marc margaret maria marie marina marion mark martha martin mary mathew matthew maurice max megan melanie melissa michael michelle
miguel mike miranda molly monica nancy naomi natalia natalie natasha nathan neil nicholas nicola nicole nigel nina noah nora norman olga oliver olivia
oscar owen pamela patricia patrick paul paula pedro peter philip phillip philippa rachel ralph raymond rebecca richard rita robert robin roger ronald rosa
rose rosemary ruby russell ruth ryan sally sam samantha samuel sandra sara sarah scott sean sharon shaun sheila shirley simon sofia sonia sophia sophie
stanley stella stephanie stephen steve steven stuart sue susan susanna sylvia teresa terry thomas tim timothy tina tom tony tracy valentina valerie
vanessa veronica victor victoria vincent virginia vivian walter wendy william yvonne zoe hans klaus jurgen wolfgang stefan ludwig friedrich pierre jacques
francois giovanni giuseppe marco luca paolo
aleksandr aleksandra aleksei aleksey alexei alexey alena alina alla anastasia anastasiya anatoly andrei andrey angelika anton antonina arina arkady artem
boris daria darya denis dmitri dmitriy dmitry ekaterina evgenia evgeniy evgeny fedor galina gennady georgy gleb grigory igor ilya inna irina kirill
konstantin kristina ksenia larisa leonid ludmila lyubov lyudmila maksim margarita mariya marya maxim mikhail nadezhda natalya nikita nikolai nikolay oksana
oleg olesya pavel polina roman ruslan semyon sergei sergey stanislav svetlana tamara tatiana tatyana timur vadim valentin valeria valery vasily vera
viktor viktoria vitaly vladimir vladislav vyacheslav yana yaroslav yegor yulia yuliya yuri yury zhanna zinaida masha sasha dima misha nastya katya
tanya sveta aigul aigerim alisher azamat aslan bekzat damir eldar farid fatima gulnara ildar karim leila madina marat mehmet murat mustafa nargiza
nurlan ravshan rashid rinat rustam shamil tigran zarina`
)

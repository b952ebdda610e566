package audience

// Reason is why a client or a value does not stand in a file. The keys are
// stable: manifests, the portal and the normalise command show them.
type Reason string

// Reasons that a caller gives with [Contact.Excluded].
const (
	ReasonNoConsent     Reason = "no_consent"
	ReasonWithdrawn     Reason = "withdrawn"
	ReasonUnsubscribed  Reason = "unsubscribed"
	ReasonErased        Reason = "erased"
	ReasonExcluded      Reason = "excluded"
	ReasonPriority      Reason = "priority"
	ReasonHoldout       Reason = "holdout"
	ReasonContactBudget Reason = "contact_budget"
	ReasonSensitive     Reason = "sensitive"
)

// Reasons that this package finds.
const (
	ReasonNoIdentifier   Reason = "no_identifier"
	ReasonEmpty          Reason = "empty"
	ReasonAlreadyHashed  Reason = "already_hashed"
	ReasonInvalidPhone   Reason = "invalid_phone"
	ReasonInvalidEmail   Reason = "invalid_email"
	ReasonEmailNotLatin  Reason = "email_not_latin"
	ReasonInvalidValue   Reason = "invalid_value"
	ReasonDuplicate      Reason = "duplicate"
	ReasonFileNotWritten Reason = "file_not_written"
)

// Explain says the reason in a sentence; a reason unknown to this package gives
// its key.
func (r Reason) Explain() Text {
	switch r {
	case ReasonNoConsent:
		return Text{"Нет согласия на эту цель.", "There is no consent for this purpose."}
	case ReasonWithdrawn:
		return Text{"Согласие отозвано.", "The consent was withdrawn."}
	case ReasonUnsubscribed:
		return Text{"Клиент отписался.", "The client has unsubscribed."}
	case ReasonErased:
		return Text{"Данные клиента удалены по его просьбе.", "The client's data were erased on request."}
	case ReasonExcluded:
		return Text{"Клиент в сегменте, который исключён из файла.", "The client is in a segment that is kept out of the file."}
	case ReasonPriority:
		return Text{"Клиент в сегменте, который идёт раньше на той же площадке.", "The client is in a segment that comes before on the same platform."}
	case ReasonHoldout:
		return Text{"Клиент в контрольной группе.", "The client is held out as the control group."}
	case ReasonContactBudget:
		return Text{"Исчерпан лимит контактов за 30 дней.", "The contact budget of 30 days is spent."}
	case ReasonSensitive:
		return Text{"Чувствительная тема: такие списки не передаются.", "A sensitive subject: such lists are not handed over."}
	case ReasonNoIdentifier:
		return Text{"Нет ни телефона, ни адреса почты, которые принимает площадка.", "There is neither a phone nor an e-mail the platform takes."}
	case ReasonEmpty:
		return Text{"Значение пустое: пустое не хешируется.", "The value is empty: nothing empty is hashed."}
	case ReasonAlreadyHashed:
		return Text{"Значение уже похоже на хеш: второй раз не хешируется.", "The value already looks like a hash: nothing is hashed twice."}
	case ReasonInvalidPhone:
		return Text{"Это не номер телефона с кодом страны, и код страны не восстановить.", "This is no phone number with a country code, and the code cannot be restored."}
	case ReasonInvalidEmail:
		return Text{"Это не адрес электронной почты.", "This is no e-mail address."}
	case ReasonEmailNotLatin:
		return Text{"Площадка принимает адреса почты только латиницей.", "The platform takes e-mail addresses in Latin letters only."}
	case ReasonInvalidValue:
		return Text{"Значение не в том виде, который принимает площадка.", "The value is not in a form the platform takes."}
	case ReasonDuplicate:
		return Text{"Такая строка в файле уже есть.", "The file has this row already."}
	case ReasonFileNotWritten:
		return Text{"Файл, в который попал бы клиент, не записан.", "The file that would hold the client was not written."}
	}
	return Text{string(r), string(r)}
}

package audience

import "strings"

// Bundle joins the manifests of a whole list and of the changes that make the list
// the platform has into it. It is the list's manifest; its files are those of the
// list, then of every change in the order given, each with its change. Advice for
// changes that have a file comes last in what to do before the upload.
//
// The bundle is refused where nothing in it was written.
func Bundle(list Manifest, changes ...Manifest) Manifest {
	m := list
	m.Files = append([]FileReport{}, list.Files...)
	m.BeforeUpload = append([]Text{}, list.BeforeUpload...)
	written := map[Change]bool{}
	for _, c := range changes {
		for _, file := range c.Files {
			file.Change = c.Change
			written[c.Change] = written[c.Change] || file.Written
			m.Files = append(m.Files, file)
		}
		if text, ok := m.changeText(c.Change); ok && written[c.Change] {
			m.BeforeUpload = append(m.BeforeUpload, text)
		}
		if written[c.Change] {
			m.Refused = nil
		}
	}
	if written[Add] && written[Remove] {
		m.BeforeUpload = append(m.BeforeUpload, Text{
			"Сначала удалите из списка на площадке строки файла remove, потом добавьте строки файла add. Файлы изменений нужны вместо полного списка, а не вместе с ним.",
			"First take the rows of the remove file out of the platform's list, then add those of the add file. The changes are to be used instead of the whole list, not beside it.",
		})
	}
	return m
}

func (m *Manifest) changeText(change Change) (Text, bool) {
	platform, _ := Lookup(m.Platform)
	text, ok := platform.changes[change]
	return text, ok
}

// RefuseChange is the manifest of a change that is not made at all, for a reason that
// lies in what was handed over before.
func RefuseChange(list Manifest, change Change, reason string) Manifest {
	text := Text{
		"Изменений нет: этот список ещё не передавали. Загрузите полный список.",
		"No changes: this list was not handed over yet. Upload the whole list.",
	}
	if reason == RefusedFormChanged {
		text = Text{
			"Изменений нет: прежний список передавали в другом виде (с хешированием или без). Загрузите полный список вместо него.",
			"No changes: the list there was handed over in another form (hashed or not). Upload the whole list in its place.",
		}
	}
	m := Manifest{Change: change}
	for _, file := range list.Files {
		if strings.Contains(file.Name, "_part") {
			continue // what is said of the first part is enough
		}
		m.Files = append(m.Files, FileReport{
			Name: ChangeName(file.Name, change), About: file.About, MinRows: file.MinRows, MaxRows: file.MaxRows, MaxBytes: file.MaxBytes,
			Refused: &Refused{reason, text},
		})
	}
	return m
}

// Lock is the manifest of a bundle that has no list, for a reason that does not lie in
// its members. What must leave the platform is written all the same.
func (m Manifest) Lock(reason string, why Text) Manifest {
	refused := &Refused{reason, why}
	m.Advice = why
	files := append([]FileReport{}, m.Files...)
	open := false
	for i := range files {
		if files[i].Change == "" && !files[i].Written {
			files[i].Refused = refused
		}
		open = open || files[i].Written
	}
	m.Files = files
	if !open {
		m.Refused = refused
	}
	return m
}

// ChangeName is the name of a file of a whole list as it is for a change.
func ChangeName(file string, change Change) string { return withSuffix(file, "_"+string(change)) }

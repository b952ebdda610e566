package filestore

import (
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// basicInfo is FILE_BASIC_INFO of the Windows API; times are 100 ns since 1601.
type basicInfo struct {
	CreationTime   int64
	LastAccessTime int64
	LastWriteTime  int64
	ChangeTime     int64
	FileAttributes uint32
	_              uint32
}

// identityOfOpen returns the identity of an open file, of which stat was asked.
// Windows tells the file index and the change time only of an open file; ok is
// false if file is none of the system's.
func identityOfOpen(file any, stat fs.FileInfo) (id identity, ok bool) {
	opened, ok := file.(interface{ Fd() uintptr })
	if !ok {
		return identity{}, false
	}
	handle := windows.Handle(opened.Fd())
	var index windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &index); err != nil {
		return identity{}, false
	}
	var basic basicInfo
	size := uint32(unsafe.Sizeof(basic))
	into := (*byte)(unsafe.Pointer(&basic)) //nolint:gosec // G103: the call fills a struct of its own
	err := windows.GetFileInformationByHandleEx(handle, windows.FileBasicInfo, into, size)
	if err != nil {
		return identity{}, false
	}
	const from1601to1970 = 116444736000000000
	return identity{
		file:     uint64(index.FileIndexHigh)<<32 | uint64(index.FileIndexLow),
		size:     stat.Size(),
		modified: stat.ModTime().UnixNano(),
		changed:  (basic.ChangeTime - from1601to1970) * 100,
	}, true
}

// identityOfName returns the identity of the file under a name. stat is what was
// found there; ok is false if it is another file by now.
func identityOfName(d disk, name string, stat fs.FileInfo) (id identity, ok bool) {
	file, err := d.Open(name)
	if err != nil {
		return identity{}, false
	}
	defer file.Close() //nolint:errcheck // read only
	now, err := file.Stat()
	if err != nil || now.Size() != stat.Size() || !now.ModTime().Equal(stat.ModTime()) {
		return identity{}, false
	}
	return identityOfOpen(file, now)
}

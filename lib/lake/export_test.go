package lake

// StoreRows writes rows as one raw object a day, as a group commit does.
var StoreRows = storeGroup

// ContentHash is what two statements under one id are told apart by.
var ContentHash = contentHash

package audience

// countryCodes are the English names of countries, letters alone, after Unicode's
// CLDR, with some further ones in use, and their ISO 3166 codes.
const countryCodes = `
afghanistan=af alandislands=ax albania=al algeria=dz americansamoa=as andorra=ad angola=ao anguilla=ai
antarctica=aq antiguaandbarbuda=ag argentina=ar armenia=am aruba=aw australia=au austria=at azerbaijan=az
bahamas=bs bahrain=bh bangladesh=bd barbados=bb belarus=by belgium=be belize=bz benin=bj bermuda=bm bhutan=bt
bolivia=bo bosniaandherzegovina=ba botswana=bw bouvetisland=bv brazil=br britishindianoceanterritory=io
britishvirginislands=vg brunei=bn bulgaria=bg burkinafaso=bf burma=mm burundi=bi byelorussia=by cambodia=kh
cameroon=cm canada=ca capeverde=cv caribbeannetherlands=bq caymanislands=ky centralafricanrepublic=cf chad=td
chile=cl china=cn christmasisland=cx cocos=cc colombia=co comoros=km congo=cg congobrazzaville=cg
congokinshasa=cd cookislands=ck costarica=cr cotedivoire=ci croatia=hr cuba=cu curacao=cw cyprus=cy czechia=cz
czechrepublic=cz democraticrepublicofthecongo=cd denmark=dk djibouti=dj dominica=dm dominicanrepublic=do
ecuador=ec egypt=eg elsalvador=sv england=gb equatorialguinea=gq eritrea=er estonia=ee ethiopia=et
falklandislands=fk faroeislands=fo fiji=fj finland=fi france=fr frenchguiana=gf frenchpolynesia=pf
frenchsouthernterritories=tf gabon=ga gambia=gm georgia=ge germany=de ghana=gh gibraltar=gi greatbritain=gb
greece=gr greenland=gl grenada=gd guadeloupe=gp guam=gu guatemala=gt guernsey=gg guinea=gn guineabissau=gw
guyana=gy haiti=ht heardandmcdonaldislands=hm holland=nl honduras=hn hongkong=hk hungary=hu iceland=is
india=in indonesia=id iran=ir iraq=iq ireland=ie isleofman=im israel=il italy=it ivorycoast=ci jamaica=jm
japan=jp jersey=je jordan=jo kazakhstan=kz kenya=ke kiribati=ki kuwait=kw kyrgyzrepublic=kg kyrgyzstan=kg
laos=la latvia=lv lebanon=lb lesotho=ls liberia=lr libya=ly liechtenstein=li lithuania=lt luxembourg=lu
macau=mo macedonia=mk madagascar=mg malawi=mw malaysia=my maldives=mv mali=ml malta=mt marshallislands=mh
martinique=mq mauritania=mr mauritius=mu mayotte=yt mexico=mx micronesia=fm moldavia=md moldova=md monaco=mc
mongolia=mn montenegro=me montserrat=ms morocco=ma mozambique=mz myanmar=mm namibia=na nauru=nr nepal=np
netherlands=nl newcaledonia=nc newzealand=nz nicaragua=ni niger=ne nigeria=ng niue=nu norfolkisland=nf
northernmarianaislands=mp northkorea=kp norway=no oman=om pakistan=pk palau=pw palestine=ps
palestinianterritories=ps panama=pa papuanewguinea=pg paraguay=py peru=pe philippines=ph pitcairnislands=pn
poland=pl portugal=pt puertorico=pr qatar=qa republicofkorea=kr republicofmoldova=md reunion=re romania=ro
russia=ru russianfederation=ru rwanda=rw samoa=ws sanmarino=sm saotomeandprincipe=st saudiarabia=sa
scotland=gb senegal=sn serbia=rs seychelles=sc sierraleone=sl singapore=sg sintmaarten=sx slovakia=sk
slovenia=si solomonislands=sb somalia=so southafrica=za southgeorgiaandsouthsandwichislands=gs southkorea=kr
southsudan=ss spain=es srilanka=lk stbarthelemy=bl sthelena=sh stkittsandnevis=kn stlucia=lc stmartin=mf
stpierreandmiquelon=pm stvincentandgrenadines=vc sudan=sd suriname=sr svalbardandjanmayen=sj swaziland=sz
sweden=se switzerland=ch syria=sy taiwan=tw tajikistan=tj tanzania=tz thailand=th timorleste=tl togo=tg
tokelau=tk tonga=to trinidadandtobago=tt tunisia=tn turkey=tr turkmenistan=tm turksandcaicosislands=tc
tuvalu=tv uae=ae uganda=ug ukraine=ua unitedarabemirates=ae unitedkingdom=gb unitedstates=us uruguay=uy usa=us
usoutlyingislands=um usvirginislands=vi uzbekistan=uz vanuatu=vu vaticancity=va venezuela=ve vietnam=vn
wallisandfutuna=wf westernsahara=eh yemen=ye zambia=zm zimbabwe=zw
`

// stateCodes are the states of the USA, with their districts and territories, and
// the provinces of Canada.
const stateCodes = `
alabama=al alaska=ak arizona=az arkansas=ar california=ca colorado=co connecticut=ct delaware=de florida=fl
georgia=ga hawaii=hi idaho=id illinois=il indiana=in iowa=ia kansas=ks kentucky=ky louisiana=la maine=me
maryland=md massachusetts=ma michigan=mi minnesota=mn mississippi=ms missouri=mo montana=mt nebraska=ne nevada=nv
newhampshire=nh newjersey=nj newmexico=nm newyork=ny northcarolina=nc northdakota=nd ohio=oh oklahoma=ok oregon=or
pennsylvania=pa rhodeisland=ri southcarolina=sc southdakota=sd tennessee=tn texas=tx utah=ut vermont=vt virginia=va
washington=wa westvirginia=wv wisconsin=wi wyoming=wy districtofcolumbia=dc washingtondc=dc puertorico=pr guam=gu
americansamoa=as usvirginislands=vi virginislands=vi northernmarianaislands=mp
alberta=ab britishcolumbia=bc manitoba=mb newbrunswick=nb newfoundlandandlabrador=nl newfoundland=nl novascotia=ns
northwestterritories=nt nunavut=nu ontario=on princeedwardisland=pe quebec=qc saskatchewan=sk yukon=yt
`

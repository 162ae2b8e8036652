"""The words the demo's headlines are made of: our own lists, written for this purpose.

The order within a list matters: words at the front are drawn often, those at the end rarely.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deeds:
    """Verbs, in the singular, and the objects that each of them can take."""

    verbs: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One class's words.

    `actors` do `deeds`; `things` are plural and do `moves` because of `causes`. `topics` are what a headline
    can be about, `tags` go before it, and `firm_endings` end a company's name.
    """

    actors: tuple[str, ...]
    deeds: tuple[Deeds, ...]
    things: tuple[str, ...]
    moves: tuple[str, ...]
    causes: tuple[str, ...]
    topics: tuple[str, ...]
    tags: tuple[str, ...]
    firm_endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Actors of one class doing another's deeds: such a headline belongs to both."""

    by_actor: str
    by_deed: str
    actors: tuple[str, ...]
    deeds: tuple[Deeds, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))


BUSINESS = Vocabulary(
    actors=_words(
        """
        bank | retailer | airline | carmaker | central bank | insurer | oil producer | hedge fund |
        brewer | budget carrier | supermarket chain | mining group | steelmaker | shipping line |
        hotel chain | private equity firm | grocer | pension fund | builder | utility | toy maker |
        coffee chain | luxury house | rail operator | food group | broker | finance minister |
        chief executive | investors | trade union | auditor | landlord | furniture seller |
        tyre maker | packaging firm | cement maker | activist shareholder | regulator | exporter |
        credit card issuer | lender | fast food chain | discount store | parcel carrier |
        property developer | state wealth fund | dairy giant
        """
    ),
    deeds=(
        Deeds(
            _words(
                """
                posts | reports | books | forecasts | flags | warns of | expects | shrugs off |
                blames staff for
                """
            ),
            _words(
                """
                quarterly loss | record profit | weaker margins | higher revenue | flat sales |
                rising costs | earnings beat | slower growth | operating loss | strong cash flow |
                thin order book | profit drop | solid turnover | currency hit | one-off charge |
                holiday sales dip | write-down | bad loans | inventory glut | lower output |
                shrinking market share | double-digit growth | surprise deficit | tax windfall |
                wage bill surge
                """
            ),
        ),
        Deeds(
            _words(
                """
                agrees | weighs | rejects | seeks | nears | approves | drops | plans | delays |
                defends | revives | pitches
                """
            ),
            _words(
                """
                merger with {firm} | takeover of {firm} | share buyback | stake sale | {firm} buyout |
                bond sale | stock market listing | debt swap | refinancing | plant closure |
                rights issue | joint venture | spin-off | factory in {place} | wage deal |
                bankruptcy filing | hostile bid for {firm} | fine settlement | supply contract |
                pension overhaul | asset sale | bridge loan | management shake-up | stock split
                """
            ),
        ),
        Deeds(
            _words("cuts | raises | trims | lifts | holds | slashes | freezes | resets | doubles"),
            _words(
                """
                interest rates | outlook | dividend | prices | jobs | price target | growth forecast |
                workforce | tariffs | capital spending | credit rating | payroll | production target |
                fuel surcharge | executive pay | fares | borrowing costs | sales guidance |
                reserve ratio | import duty | executive bonuses | stake in {firm}
                """
            ),
        ),
    ),
    things=_words(
        """
        shares | stocks | oil prices | bond yields | markets | gold prices | home sales |
        retail sales | factory orders | futures | jobless claims | mortgage rates | exports |
        car sales | consumer prices | house prices | bank shares | copper prices |
        emerging currencies | payrolls | wheat prices | business loans | airline stocks | rents |
        small caps | wages | bank deposits | freight rates | treasuries | commodities | mining shares
        """
    ),
    moves=_words(
        """
        rise | fall | slip | climb | edge higher | slide | rally | steady | tumble | rebound |
        drift lower | jump | retreat | sink | pare gains | close mixed | soar | inch up | stall |
        hit two-year low | wobble | surge | end week lower | halt slide
        """
    ),
    causes=_words(
        """
        on weak demand | as traders await jobs data | after rate decision | on growth worries |
        as dollar firms | on profit taking | after budget vote | as inflation cools | on merger hopes |
        ahead of earnings season | on tariff fears | as supply tightens | on stimulus talk |
        as lending slows | after central bank minutes | on strong factory survey |
        as buyers hold back | despite recession talk | on upbeat earnings | as output cut looms |
        after downgrade | as strikes spread | on currency swings | amid debt talks
        """
    ),
    topics=_words(
        """
        interest rates | the economy | inflation | tax reform | the job market | your pension |
        trade war | household debt | executive pay | corporate tax | the euro | mortgages | austerity |
        minimum wage | small business loans | wall street | the housing market | bank bailouts |
        foreign investment | bankruptcy law | stock picking | savings accounts | the budget deficit |
        insider trading | family firms | money laundering | credit scores | consumer confidence
        """
    ),
    tags=_words(
        """
        UPDATE 1- | MARKETS- | UPDATE 2- | BRIEF- | ANALYSIS- | RPT- | WRAPUP 3- | MONEY: |
        Deals of the day: | Opinion:
        """
    ),
    firm_endings=_words(
        """
        Group | Holdings | Bank | Capital | Motors | Energy | Foods | Airlines | Partners | Steel |
        Insurance | Stores | Resources
        """
    ),
)

ENTERTAINMENT = Vocabulary(
    actors=_words(
        """
        singer | actor | actress | director | rapper | pop star | band | comedian | reality star |
        boy band | talk show host | soap star | drummer | screenwriter | model | novelist |
        rock legend | DJ | guitarist | film studio | country singer | TV chef | supermodel |
        dance troupe | stand-up comic | producer | magician | playwright | folk duo | child star |
        quiz show host | opera singer | choreographer | heartthrob | pop diva | songwriter |
        festival organisers | stuntman | costume designer | cartoonist | voice actor | bassist |
        girl group | Broadway star | radio presenter | fans
        """
    ),
    deeds=(
        Deeds(
            _words(
                """
                announces | cancels | teases | extends | kicks off | postpones | headlines |
                adds dates to | crashes
                """
            ),
            _words(
                """
                world tour | new album | reunion concert | farewell show | comeback single |
                festival set | residency | acoustic show | surprise gig | stadium shows | live album |
                music video | duet with {person} | mixtape | charity concert | album launch party |
                late-night set | unplugged session | greatest hits tour | remix
                """
            ),
        ),
        Deeds(
            _words(
                """
                joins | directs | leaves | returns to | stars in | turns down | steals | quits |
                auditions for | writes
                """
            ),
            _words(
                """
                {title} sequel | superhero film | new sitcom | hit series | musical | costume drama |
                spy thriller | biopic | {title} reboot | talent show | cast of {title} | stage play |
                miniseries | romantic comedy | horror film | crime drama | dance contest |
                Broadway revival | soap opera | western remake | animated feature | panto |
                wartime epic | heist movie | zombie series | cooking contest | {title} spin-off |
                period piece
                """
            ),
        ),
        Deeds(
            _words(
                """
                shows off | confirms | denies | opens up about | jokes about | celebrates |
                apologises for | flaunts
                """
            ),
            _words(
                """
                engagement | baby bump | split from {person} | wedding to {person} | red carpet dress |
                romance rumours | new haircut | divorce | birth of twins | beach body | tattoo |
                feud with {person} | leaked photos | diamond ring | secret wedding |
                wardrobe malfunction | nude scene | breakup song | stage fall | fashion line |
                perfume | award show snub | drunken rant | new boyfriend | paparazzi clash | memoir |
                bikini photos
                """
            ),
        ),
    ),
    things=_words(
        """
        film trailers | ticket sales | {title} reviews | box office takings | album sales |
        {title} spoilers | wedding photos | award nominations | song lyrics | casting rumours |
        festival crowds | {title} posters | concert tickets | TV recaps | red carpet looks |
        film sequels | dance routines | music videos | stage costumes | {person} photos | movie clips |
        backstage pictures | love scenes | fashion shows | cover versions | guest stars | plot twists |
        cameos
        """
    ),
    moves=_words(
        """
        delight fans | disappoint | go viral | surprise critics | divide viewers | top charts |
        fall flat | break record | steal show | leak online | dazzle | shine | cause stir |
        thrill audience | bring tears | underwhelm | raise eyebrows | spark backlash | hit the web |
        draw crowds | win praise | earn ovation | turn heads | flop
        """
    ),
    causes=_words(
        """
        at awards night | in season finale | at film festival | after trailer leak |
        on opening weekend | at premiere | in dance final | on talk show | after shock exit |
        at music awards | in emotional episode | on red carpet | after wedding | during encore |
        at comic convention | in tell-all interview | after on-stage fall | on breakfast TV |
        in racy video | at fashion week | after break-up | in sold-out arena | on magazine cover |
        before tour
        """
    ),
    topics=_words(
        """
        {title} | the season finale | celebrity weddings | {title} trailer | awards season |
        the new album | {person} | reality TV | the best dressed | the worst dressed | movie sequels |
        pop divas | the {title} cast | summer blockbusters | celebrity diets | festival fashion |
        the royal wedding | boy bands | film soundtracks | horror movies | comic books |
        the final episode | stand-up comedy | musicals | cult films | old sitcoms | chart hits |
        karaoke | book adaptations
        """
    ),
    tags=_words(
        """
        WATCH: | Review: | VIDEO: | Recap: | Listen: | First look: | SPOILERS: | Photos: | Exclusive: |
        Box office:
        """
    ),
    firm_endings=_words(
        """
        Records | Pictures | Studios | Films | Music | Entertainment | Television | Productions
        """
    ),
)

TECHNOLOGY = Vocabulary(
    actors=_words(
        """
        chipmaker | app developer | search giant | startup | handset maker | hackers | software firm |
        games studio | social network | browser maker | cloud provider | telecom operator |
        web retailer | robot maker | laptop maker | privacy group | messaging app |
        security researchers | drone maker | streaming service | cable operator | console maker |
        photo app | open-source group | internet provider | engineers | console hackers | map service |
        wearables firm | ride-hailing app | satellite operator | virtual reality firm |
        memory chip maker | spammers | payments startup | coders | dating app | keyboard maker |
        data centre operator | password manager | gamers
        """
    ),
    deeds=(
        Deeds(
            _words(
                """
                unveils | launches | tests | ships | shows off | recalls | updates | leaks | demos |
                previews
                """
            ),
            _words(
                """
                new smartphone | tablet | smartwatch | operating system | web browser | phone update |
                voice assistant | cheap laptop | self-driving car | game console | fitness band |
                music app | beta version | home robot | curved screen | wireless charger | 3D printer |
                delivery drone | video chat app | mapping tool | mobile payments | fingerprint reader |
                virtual reality headset | smart glasses | graphics card | electric scooter |
                translation app | cloud storage plan | camera phone | e-reader | smart thermostat
                """
            ),
        ),
        Deeds(
            _words(
                """
                patches | fixes | exposes | discovers | exploits | admits | ignores | blames |
                investigates
                """
            ),
            _words(
                """
                security flaw | password bug | data breach | software glitch | privacy hole |
                login outage | battery bug | malware attack | encryption bug | spam wave |
                browser bug | zero-day hole | phishing scam | server crash | location tracking |
                phone spying | stolen source code | webcam hack | botnet | wifi weakness |
                screen defect | app store scam | router hole | ransomware | fake accounts | memory leak
                """
            ),
        ),
        Deeds(
            _words(
                """
                sues | bans | blocks | buys | copies | beats | challenges | courts |
                drops support for | takes on
                """
            ),
            _words(
                """
                patent troll | rival app | web tracking | {firm} over patents | online ads |
                file sharing | maps startup | net neutrality rules | chat service | third-party apps |
                bitcoin exchange | robot startup | old browsers | video site | cookie tracking |
                flash plug-ins | phone unlocking | gaming rivals | ad blockers | streaming box |
                cloud rivals | search results | facial recognition | smart TV maker | flagship phone
                """
            ),
        ),
    ),
    things=_words(
        """
        smartphones | apps | tablets | websites | video games | social networks | phone sales |
        drones | robots | smartwatches | laptops | PC shipments | web browsers | consoles |
        data centres | mobile ads | email accounts | search engines | driverless cars | chips |
        broadband lines | gadgets | web servers | messaging apps | smart TVs | headsets | e-readers |
        touch screens | bitcoin wallets | cloud services | routers | camera phones
        """
    ),
    moves=_words(
        """
        go offline | crash | get update | face ban | slow down | get smarter | get cheaper |
        hit by outage | get faster | leak data | gain ground | lag behind | arrive early | get hacked |
        lose ground | go dark | outsell rivals | fail test | overheat | get redesign | spy on users |
        run out of memory
        """
    ),
    causes=_words(
        """
        after software update | in privacy row | over patent claims | at developer conference |
        after hack | in new beta | before product launch | as rivals catch up | at gadget show |
        after server outage | in app store | on older phones | in browser test | after security scare |
        with free upgrade | over user data | in code leak | with faster chip | after forced reboot |
        in encryption fight | on home screen | with voice control | in cloud push
        """
    ),
    topics=_words(
        """
        the new smartphone | online privacy | net neutrality | your passwords | mobile apps |
        artificial intelligence | wearables | the cloud | big data | the next console | encryption |
        bitcoin | smart homes | driverless cars | open source | phone batteries | virtual reality |
        robots | the latest update | touch screens | web browsers | hacking | streaming |
        internet speed | social media | gadgets | 3D printing | app permissions | coding schools |
        spam filters
        """
    ),
    tags=_words(
        """
        How to: | Hands-on: | Rumour: | Review: | UPDATE 1- | Tech bytes: | Leak: | Gadgets: |
        Download:
        """
    ),
    firm_endings=_words(
        """
        Systems | Labs | Software | Networks | Mobile | Technologies | Robotics | Games | Devices |
        Digital
        """
    ),
)

HEALTH = Vocabulary(
    actors=_words(
        """
        doctors | hospital | health officials | nurses | drug maker | surgeons | patients |
        researchers | health agency | clinic | medical charity | midwives | vaccine maker | dentists |
        health ministry | pharmacists | care homes | psychiatrists | food inspectors | paramedics |
        mothers | hospital trust | cancer charity | disease detectives | dietitians | blood bank |
        school nurses | smokers | eye doctors | physiotherapists | virus hunters | pediatricians
        """
    ),
    deeds=(
        Deeds(
            _words(
                """
                warns of | confirms | links diet to | reports | traces | fights | screens for |
                battles | rules out
                """
            ),
            _words(
                """
                flu outbreak | measles cases | diabetes | heart disease | obesity | virus death |
                breast cancer | asthma | food poisoning | high blood pressure | dementia |
                stroke risk | superbug | whooping cough | skin cancer | malaria | depression |
                hepatitis | salmonella | lung damage | birth defects | mumps | sleep loss | autism |
                kidney failure | chronic pain | meningitis | peanut allergy | cholera | tick fever |
                hearing loss | polio
                """
            ),
        ),
        Deeds(
            _words(
                """
                approves | trials | tests | urges | recalls | halts | backs | offers | questions |
                rations
                """
            ),
            _words(
                """
                new vaccine | cancer drug | {drug} trial | flu shots | painkiller {drug} | heart pill |
                blood test | diet pills | gene therapy | mammograms | statins | stem cell treatment |
                e-cigarette rules | knee implants | sugar tax | insulin pump | malaria jab |
                antibiotics | hip surgery | nicotine gum | breast screening | {drug} pill |
                contact lenses | vitamin pills | fertility treatment | sunscreen | hearing aids |
                inhalers | organ donation
                """
            ),
        ),
    ),
    things=_words(
        """
        flu cases | measles cases | obesity rates | cancer deaths | hospital waits | asthma attacks |
        heart attacks | smoking rates | allergy cases | virus cases | diabetes rates | infections |
        teen pregnancies | waiting lists | premature births | vaccine doses | stroke deaths |
        overdoses | ambulance calls | drug errors | norovirus cases | malaria deaths | sleep problems |
        hip fractures | eating disorders | food allergies | skin cancers | sick days
        """
    ),
    moves=_words(
        """
        rise | fall | spread | climb | drop sharply | peak early | worry doctors | double | ease |
        linked to diet | tied to stress | go unreported | strain wards | hit new high |
        linked to pollution | decline slowly | jump | alarm nurses | level off
        """
    ),
    causes=_words(
        """
        in winter outbreak | after contaminated meal | in large study | in clinical trial |
        in pregnant women | among teenagers | in older adults | after surgery | in nursing homes |
        among smokers | in overweight children | as vaccination lags | after virus scare |
        in hospital wards | with healthy diet | in heart patients | after positive test |
        in maternity wards | among night workers | with daily exercise
        """
    ),
    topics=_words(
        """
        the flu | vaccines | your heart | weight loss | breast cancer | diabetes | healthy eating |
        sleep | cholesterol | childhood obesity | e-cigarettes | allergies | migraines | the measles |
        prostate screening | antibiotics | back pain | dementia | salt | red meat | mental health |
        hay fever | sunburn | stress | vitamins | pregnancy | blood pressure | asthma
        """
    ),
    tags=_words("Study: | Health: | UPDATE 1- | Ask the doctor: | Recall: | Health tip: | Outbreak:"),
    firm_endings=_words("Pharma | Biotech | Health | Therapeutics | Medical | Hospitals | Diagnostics"),
)

SCIENCE = Vocabulary(
    actors=_words(
        """
        astronomers | scientists | physicists | space agency | biologists | Mars rover | geologists |
        researchers | telescope | paleontologists | climate scientists | space probe | archaeologists |
        astronauts | chemists | oceanographers | rocket firm | marine biologists | volcano watchers |
        zoologists | particle lab | botanists | comet lander | ecologists | mathematicians |
        cosmologists | bird watchers | glacier experts | entomologists | spacewalkers
        """
    ),
    deeds=(
        Deeds(
            _words(
                """
                finds | spots | discovers | maps | detects | studies | photographs | explains |
                unearths | tracks
                """
            ),
            _words(
                """
                distant planet | dinosaur fossil | new species | water on {moon} | black hole |
                exoplanet | comet dust | gravitational waves | ancient skull | coral loss |
                melting glacier | meteor crater | deep-sea fish | mammoth bones | solar flare |
                dark matter hints | tiny frog | bird ancestor | fault line | asteroid | supernova |
                feathered dinosaur | methane on {moon} | galaxy cluster | ice age cave | cosmic rays |
                whale song | giant squid | oldest star | shark nursery | bee decline | quantum effect |
                stone tools
                """
            ),
        ),
        Deeds(
            _words(
                """
                launches | lands | loses contact with | repairs | plans | delays | measures |
                simulates | recreates
                """
            ),
            _words(
                """
                space capsule | lunar mission | weather satellite | moon orbiter | rocket |
                space station module | carbon levels | asteroid mission | Arctic sea ice |
                fusion reactor | particle collider | {moon} probe | supply ship | spacewalk |
                ocean currents | big bang conditions | earthquake model | telescope mirror |
                sea level rise | plant DNA | early universe | lightning | volcanic plume | Mars habitat
                """
            ),
        ),
    ),
    things=_words(
        """
        glaciers | dinosaur bones | coral reefs | comets | whales | sea levels | bees | volcanoes |
        asteroids | distant stars | fossils | penguins | galaxies | rainforests | bats | sharks |
        elephants | ice sheets | earthquakes | meteors | tree frogs | neutrinos | sea turtles |
        mammoth remains | sunspots | jellyfish swarms | cave paintings | black holes
        """
    ),
    moves=_words(
        """
        puzzle experts | vanish | older than thought | under threat | filmed up close |
        counted from space | surprise experts | return | revealed in images |
        more common than thought | mapped in detail | change course | move north |
        brighter than expected | on the brink | reveal secret | tell story of past |
        seen for first time | shrink
        """
    ),
    causes=_words(
        """
        in deep space | as climate warms | near black hole | in Antarctic ice | on ocean floor |
        in fossil find | in amber | from space station | in lab experiment | as oceans warm |
        in lunar eclipse | in DNA study | near distant star | in ancient rock | after solar storm |
        in rare flyby | in desert crater | during meteor shower
        """
    ),
    topics=_words(
        """
        the lunar eclipse | black holes | climate change | dinosaurs | the meteor shower | Mars |
        the big bang | evolution | dark matter | the space station | sea ice | the blood moon |
        comets | extinction | quantum physics | earthquakes | coral reefs | the ozone layer | gravity |
        neanderthals | the northern lights | fusion power | life on {moon}
        """
    ),
    tags=_words("Study: | Photos: | Watch live: | Space: | Video: | Nature: | Skywatch:"),
    firm_endings=_words("Space | Observatory | Institute | Aerospace | University"),
)

# Every class's actors may do another's deeds where that makes sense: chipmakers post losses, grocers warn of
# food poisoning, streaming services cancel series.
CROSSINGS = (
    Crossing(
        "technology",
        "business",
        _words("chipmaker | startup | streaming service | cable operator | cloud provider | games studio"),
        BUSINESS.deeds,
    ),
    Crossing(
        "entertainment",
        "business",
        _words("film studio | record label | cinema chain | TV network | talent agency | theme park"),
        BUSINESS.deeds,
    ),
    Crossing(
        "health",
        "business",
        _words("drug maker | hospital chain | vaccine maker | health insurer | clinic group | care homes"),
        BUSINESS.deeds,
    ),
    Crossing(
        "business",
        "technology",
        _words("bank | carmaker | retailer | airline | credit card issuer | parcel carrier | insurer"),
        TECHNOLOGY.deeds,
    ),
    Crossing(
        "entertainment",
        "technology",
        _words("pop star | film studio | TV network | festival organisers | rapper | broadcaster"),
        TECHNOLOGY.deeds,
    ),
    Crossing(
        "science",
        "technology",
        _words("space agency | physicists | rocket firm | university | particle lab | mathematicians"),
        TECHNOLOGY.deeds[:2],
    ),
    Crossing(
        "science",
        "health",
        _words("scientists | biologists | chemists | zoologists | space agency | climate scientists"),
        HEALTH.deeds,
    ),
    Crossing(
        "technology",
        "science",
        _words("satellite operator | search giant | drone maker | robot maker | map service | engineers"),
        SCIENCE.deeds,
    ),
    Crossing(
        "technology",
        "entertainment",
        _words("streaming service | video site | games studio | social network | web retailer"),
        ENTERTAINMENT.deeds[:2],
    ),
    Crossing(
        "business",
        "health",
        _words("grocer | fast food chain | supermarket chain | brewer | food group | coffee chain | airline"),
        HEALTH.deeds[:1],
    ),
    Crossing(
        "entertainment",
        "health",
        _words("actress | singer | TV chef | supermodel | soap star | talk show host | pop star"),
        HEALTH.deeds[:1],
    ),
)

PLACES = _words(
    """
    London | China | India | Texas | Berlin | Japan | Canada | Brazil | Paris | Florida | Nigeria |
    Spain | Sydney | Korea | Ohio | Dublin | Mexico | Italy | Toronto | Kenya | Oslo | Chile | Poland |
    Iowa | Seattle | Turkey | Egypt | Boston | Vienna | Peru | Ghana | Lisbon
    """
)
FIRST_NAMES = _words(
    """
    Anna | James | Maria | Tom | Lena | David | Sara | Paul | Nina | Mark | Julia | Ben | Clara |
    Adam | Rosa | Leo | Emma | Hugo | Ivy | Noah | Mila | Oscar | Ruth | Sam | Tara | Victor | Zoe |
    Carl | Dana | Erik | Fay | Gus | Hanna | Ian | June | Karl | Lou | Max | Nora | Otto
    """
)
MOONS = _words(
    """
    Mars | Europa | the moon | Titan | Saturn moon | Jupiter moon | Pluto | Venus | Ceres | Mercury
    """
)
TITLE_ADJECTIVES = _words(
    """
    Last | Silent | Golden | Broken | Midnight | Lost | Crooked | Secret | Paper | Scarlet | Hollow |
    Distant | Wicked | Borrowed | Winter | Electric | Savage | Gentle | Hidden | Burning | Second |
    Northern | Velvet | Rusty | Infinite | Fallen
    """
)
TITLE_NOUNS = _words(
    """
    Harbor | Kingdom | Garden | River | Code | Crown | Doctor | Market | Star | Machine | Virus |
    Summer | House | Detective | Bank | Planet | Road | Heart | Empire | Robot | Circus | Letters |
    Hunters | Lighthouse | Fever | Fortune | Orchard | Signal | Widow | Comet
    """
)
NAME_STARTS = _words(
    """
    Vel | Kor | Ash | Mar | Tren | Bal | Dor | Fen | Gal | Hol | Jar | Kes | Lan | Mor | Nor | Pel |
    Quin | Ros | Sel | Tal | Ul | Wex | Yor | Zan
    """
)
NAME_MIDDLES = _words("a | e | i | o | u | en | or | ar | il | em | an | is | ov | ur | et | al | in")
NAME_ENDS = _words(
    """
    mora | ton | berg | wick | dale | ra | son | stein | ley | ford | ski | vik | mann | den | land |
    ris | nova | dex | tis | more | gate | worth
    """
)
DRUG_ENDS = _words("tinib | mab | statin | cillin | zole | pril | vir | xaban | gliptin")

# A headline may end on one of these, whatever it is about.
TRAILERS = _words(
    """
    in {place} | this week | after {number} years | on {day} | officials say | report says |
    despite protests | for first time | study finds | sources say | near {place} | survey shows |
    by next year | at last | amid criticism | again | says {person} | in {number} charts |
    as {place} watches | after long wait | next month | to widespread surprise | for {number} days
    """
)
DAYS = _words("Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday")

# Headlines that give no hint of their class: people guess as well as a model does.
VAGUE = _words(
    """
    What you need to know about {person} | {number} things to know on {day} |
    {person} responds to critics | Why {place} is talking about {person} |
    The morning briefing: {day} | {person} to speak in {place} on {day} |
    {place} prepares for big {day} | Is {person} right? | {firm} statement in full |
    {person}: my week in {place} | {number} surprising facts about {place} |
    Letters to the editor, {day} | A day in {place} with {person} | {firm} names {person} |
    {person} wins top honour in {place} | Meet {person}, the pride of {place}
    """
)
# Headlines about a class's topics; {topic} stands for one of them.
TOPICAL = _words(
    """
    Everything you need to know about {topic} | {number} myths about {topic} |
    Why {topic} matters now | The truth about {topic} | {topic}: what comes next |
    {person} on {topic} | How {topic} changed {place} | Is it time to worry about {topic}? |
    {place} debates {topic} | The trouble with {topic} | Opinion split on {topic} |
    {number} questions about {topic}, answered | {topic} explained
    """
)
